"""How good detections are: COCO's and Pascal VOC's metrics, the table that shows them, and result files."""
from .coco_metrics import coco_metrics
from .coco_results import coco_results, write_results
from .detection_metrics import compute_metrics, format_metrics
from .voc_metrics import voc_metrics

__all__ = ["coco_metrics", "coco_results", "compute_metrics", "format_metrics", "voc_metrics", "write_results"]

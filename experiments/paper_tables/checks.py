"""The paper's claims as ratios of what was counted and measured: each holds, fails, or was not run."""


def ratio_of_growth(growth, row, figure):
    """How many times as much a row costs at the most classes as at the fewest."""
    line = [point for point in growth if point["axis"] == "classes" and point["row"] == row]
    line.sort(key=lambda point: point["classes"])
    first, last = (point[figure]["median"] if isinstance(point[figure], dict) else point[figure]
                   for point in (line[0], line[-1]))
    return last / first


def check_all(counts, times, growth, quoted_multiply_adds):
    """Claims with their figures.

    Args:
        counts: `cost.count_row` and siblings by name; "xception_classifier" among them.
        times: `measuring.time_detectors` by name, or None.
        growth: `growth.grow`, or None.
        quoted_multiply_adds: the paper's of its backbone.

    Returns:
        list of dicts: claim, figures (words), holds (True, False, or None: not run).
    """
    found = []

    def add(claim, holds, figures):
        found.append({"claim": claim, "holds": holds, "figures": figures})

    def slowness(first, second):
        """Time of one detector in units of another's."""
        if not times or first not in times or second not in times:
            return None
        return times[first]["total"]["median"] / times[second]["total"]["median"]

    def add_time(claim, first, second, holds):
        ratio = slowness(first, second)
        add(claim, None if ratio is None else holds(ratio),
            "not run" if ratio is None else "%s takes %.2f times as long as %s" % (first, ratio, second))

    own = sum(counts["xception_classifier"]["multiply_adds"].values())
    add("Table 7: the backbone of setting S has the paper's multiply-adds at 224x224, to within 2%",
        abs(own / quoted_multiply_adds - 1) < 0.02, "%.1fM counted, %.0fM quoted" % (own / 1e6,
                                                                                     quoted_multiply_adds / 1e6))
    neck = {name: counts[name]["multiply_adds"]["neck"] for name in ("b2", "large_separable", "thin_psroi_pool")}
    ratio = neck["large_separable"] / neck["b2"]
    add("The large separable convolution of setting L costs about three times R-FCN's convolutions per pixel (81 "
        "classes)",
        2.5 < ratio < 3.5, "%.1fG against %.1fG multiply-adds: %.2f times" % (neck["large_separable"] / 1e9,
                                                                             neck["b2"] / 1e9, ratio))
    add("A thin map by 1x1 convolution costs less than R-FCN's score maps", neck["thin_psroi_pool"] < neck["b2"],
        "%.1fG against %.1fG multiply-adds" % (neck["thin_psroi_pool"] / 1e9, neck["b2"] / 1e9))
    for row, name in (("psroi_align", "setting L"), ("s_800", "setting S")):
        for figure, unit in (("multiply_adds", "multiply-adds grow"), ("milliseconds", "time grows")):
            claim = ("Behind the backbone, %s: from 21 to 1231 classes %s less than 1.5 times, R-FCN's more "
                     "than 5 times" % (name, unit))
            if growth is None:
                add(claim, None, "not run")
                continue
            light, heavy = (ratio_of_growth(growth, which, figure) for which in (row, "b2"))
            add(claim, light < 1.5 and heavy > 5, "%.2f times; R-FCN %.1f times" % (light, heavy))
    add_time("Table 8: S at 700/1100 is faster than SSD300 with VGG-16, on the same cores", "s_700", "ssd_300_vgg16",
             lambda ratio: ratio < 1)
    add_time("Table 8: S at 800/1200 is faster than SSD300 with VGG-16", "s_800", "ssd_300_vgg16",
             lambda ratio: ratio < 1)
    add_time("S at 800/1200 is faster than SSD300 with VGG-16 even without the latter's NMS", "s_800",
             "ssd_300_vgg16 without NMS", lambda ratio: ratio < 1)
    add_time("S at 800/1200 is faster than YOLOv3 at 416", "s_800", "yolo3_darknet53", lambda ratio: ratio < 1)
    add_time("Table 8: S at 700/1100 is faster than at 800/1200", "s_700", "s_800", lambda ratio: ratio < 1)
    add_time("Table 8: S at 800/1200 is more than 5 times as fast as R-FCN at 600/1000", "s_800", "rfcn_600",
             lambda ratio: ratio < 1 / 5)
    add_time("Setting L is not faster than R-FCN at the same size", "psroi_align", "b2", lambda ratio: ratio > 1)
    return found


def verdict(check):
    """holds, fails or not run."""
    return {True: "holds", False: "fails", None: "not run"}[check["holds"]]


def line(check):
    """A check as a line of text."""
    return "%-8s %s (%s)" % (verdict(check), check["claim"], check["figures"])

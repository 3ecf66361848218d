"""The scripts of this folder import each other, and are no package."""
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

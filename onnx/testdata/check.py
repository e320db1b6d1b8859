# Checks models by ONNX's checker, with full shape inference: python3 check.py MODEL...
import sys

import onnx

for path in sys.argv[1:]:
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
    except Exception as e:
        sys.exit(f"{path}: {e}")

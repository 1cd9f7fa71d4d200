"""What the reference reader says about files: one base64 file a line in, one JSON object a line out."""

import base64
import json
import sys

from safetensors import SafetensorError, deserialize

for line in sys.stdin:
    data = base64.b64decode(line)
    try:
        tensors = {name: [info["dtype"], list(info["shape"])] for name, info in deserialize(data)}
        print(json.dumps({"code": "ok", "tensors": tensors}))
    except SafetensorError as error:
        text = str(error)
        names = {
            "header too small": "HeaderTooSmall",
            "header too large": "HeaderTooLarge",
            "invalid header length": "InvalidHeaderLength",
            "invalid UTF-8": "InvalidHeader",
            "invalid JSON": "InvalidHeaderDeserialization",
            "invalid offset": "InvalidOffset",
            "overflow": "ValidationOverflow",
            "not fully covered": "MetadataIncompleteBuffer",
            "byte boundary": "MisalignedSlice",
            "invalid shape, data type": "TensorInvalidInfo",
        }
        code = next((code for part, code in names.items() if part in text), None)
        print(json.dumps({"code": code or text, "text": text}))
    except BaseException as error:  # a panic of the reference is not an Exception
        print(json.dumps({"code": "panic", "text": str(error)}))

# Signs tokens with PyJWT. Reads a JSON object a line, and writes one a line: a token and its public key, or neither.

import json
import sys
from datetime import datetime, timedelta, timezone

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

for line in sys.stdin:
    order = json.loads(line)
    method = jwt.algorithms.get_default_algorithms().get(order["alg"])
    if method is None:
        print("{}")
        continue
    claims = {
        "iss": order["iss"],
        "sub": order["sub"],
        "aud": order["aud"],
        "exp": datetime.now(tz=timezone.utc) + timedelta(hours=1),
    }
    token = jwt.encode(claims, order["pem"], algorithm=order["alg"], headers={"kid": order["kid"]})
    public_key = load_pem_private_key(order["pem"].encode(), None).public_key()
    print(json.dumps({"token": token, "jwk": method.to_jwk(public_key, as_dict=True)}))

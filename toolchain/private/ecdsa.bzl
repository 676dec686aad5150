"""Verification of ECDSA signatures on the curve P-256 (FIPS 186-5, SEC 1), for lock files.

Only public values are computed with, so that it does not matter how long what takes. A repository rule has no other way to verify a
signature: a program for it would have to be trusted before.
"""

_P = (1 << 256) - (1 << 224) + (1 << 192) + (1 << 96) - 1
_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
_N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
_G = (
    0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
    0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5,
)

# The identity, as a point in Jacobian coordinates.
_ZERO = (1, 1, 0)

# What a public key of this curve begins with in DER: SubjectPublicKeyInfo up to the point, uncompressed.
_KEY_PREFIX = [int(h, 16) for h in (
    "30 59 30 13 06 07 2a 86 48 ce 3d 02 01 06 08 2a 86 48 ce 3d 03 01 07 03 42 00 04"
).split(" ")]

_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

def _decode_base64(text):
    """Returns the bytes as a list, or None."""
    digits = text.rstrip("=")
    if len(text) % 4 or len(text) - len(digits) > 2:
        return None
    out, bits, value = [], 0, 0
    for c in digits.elems():
        digit = _BASE64.find(c)
        if digit < 0:
            return None
        value, bits = (value << 6 | digit) & 0xffff, bits + 6
        if bits >= 8:
            bits -= 8
            out.append(value >> bits & 0xff)
    return out

def _number(octets):
    value = 0
    for octet in octets:
        value = value << 8 | octet
    return value

def _parse_key(pem):
    """Returns the point of a public key in PEM, or None."""
    lines = [line.strip() for line in pem.strip().split("\n")]
    if len(lines) < 3 or lines[0] != "-----BEGIN PUBLIC KEY-----" or lines[-1] != "-----END PUBLIC KEY-----":
        return None
    der = _decode_base64("".join(lines[1:-1]))
    if not der or len(der) != len(_KEY_PREFIX) + 64 or der[:len(_KEY_PREFIX)] != _KEY_PREFIX:
        return None
    point = (_number(der[-64:-32]), _number(der[-32:]))
    x, y = point
    if x >= _P or y >= _P or (y * y - x * x * x + 3 * x - _B) % _P:
        return None
    return point

def _parse_signature(text):
    """Returns r and s of a signature, a SEQUENCE of two INTEGERs in DER and base64, or None."""
    der = _decode_base64(text)
    if not der or len(der) < 2 or len(der) > 72 or der[:2] != [0x30, len(der) - 2]:
        return None
    numbers, rest = [], der[2:]
    for _ in range(2):
        if len(rest) < 3 or rest[0] != 2 or rest[1] < 1 or rest[1] > len(rest) - 2 or rest[2] > 0x7f:
            return None
        numbers.append(_number(rest[2:2 + rest[1]]))
        rest = rest[2 + rest[1]:]
    if rest or [n for n in numbers if n < 1 or n >= _N]:
        return None
    return numbers

def _inverse(a):
    """Returns 1/a modulo _N, which is prime: a to the power of _N - 2."""
    result, power = 1, _N - 2
    for i in range(256):
        if power >> i & 1:
            result = result * a % _N
        a = a * a % _N
    return result

def _double(point):
    x, y, z = point
    if z == 0 or y == 0:
        return _ZERO
    square = y * y % _P
    s = 4 * x * square % _P
    m = 3 * (x - z * z) * (x + z * z) % _P
    x3 = (m * m - 2 * s) % _P
    return (x3, (m * (s - x3) - 8 * square * square) % _P, 2 * y * z % _P)

def _add(a, b):
    if a[2] == 0 or b[2] == 0:
        return b if a[2] == 0 else a
    za, zb = a[2] * a[2] % _P, b[2] * b[2] % _P
    ua, ub = a[0] * zb % _P, b[0] * za % _P
    sa, sb = a[1] * zb * b[2] % _P, b[1] * za * a[2] % _P
    h, r = (ub - ua) % _P, (sb - sa) % _P
    if h == 0:
        return _double(a) if r == 0 else _ZERO
    h2 = h * h % _P
    h3, v = h * h2 % _P, ua * h2 % _P
    x = (r * r - h3 - 2 * v) % _P
    return (x, (r * (v - x) - sa * h3) % _P, a[2] * b[2] * h % _P)

def _sum_of_products(u, p, v, q):
    """Returns u*p + v*q, bit by bit from the highest."""
    both = [None, p, q, _add(p, q)]
    result = _ZERO
    for i in range(255, -1, -1):
        result = _double(result)
        bits = (u >> i & 1) + 2 * (v >> i & 1)
        if bits:
            result = _add(result, both[bits])
    return result

def verify_p256(public_key, sha256, signature):
    """Verifies the signature of a file by the file's sha256.

    Args:
      public_key: string, PEM.
      sha256: string, hexadecimal.
      signature: string, as `cosign sign-blob` and `openssl dgst -sha256 -sign` make it, in base64.

    Returns:
      string, what is wrong, or None.
    """
    point = _parse_key(public_key)
    if not point:
        return "the public key is not one of P-256 in PEM"
    numbers = _parse_signature(signature)
    if not numbers:
        return "it is not an ECDSA signature of P-256 in base64"
    r, s = numbers
    w = _inverse(s)
    x, _, z = _sum_of_products(int(sha256, 16) * w % _N, _G + (1,), r * w % _N, point + (1,))

    # The signature is good when the point's x, which is X/Z^2, is r modulo _N.
    if z and [c for c in (r, r + _N) if c < _P and (c * z * z - x) % _P == 0]:
        return None
    return "another key made it, or for another file"

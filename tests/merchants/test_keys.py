import pytest

from service.ids import new_id
from service.merchants import keys


def test_a_key_names_its_scope_and_its_merchant_and_checks_itself() -> None:
    merchant_id = new_id()
    key = keys.generate(merchant_id, "checkout")
    assert key.startswith("ok_checkout_")
    parsed = keys.parse_key(key)
    assert parsed is not None
    assert parsed.merchant_id == merchant_id
    assert keys.generate(merchant_id, "checkout") != key


@pytest.mark.parametrize("key", ["", "ok_", "ok_admin_", "x" * 1000, "ok_admin_é" + "0" * 54])
def test_noise_is_no_key(key: str) -> None:
    assert keys.parse_key(key) is None


def test_a_key_with_one_character_changed_is_no_key() -> None:
    key = keys.generate(new_id(), "admin")
    for at in range(len(key)):
        changed = key[:at] + ("A" if key[at] != "A" else "B") + key[at + 1 :]
        assert keys.parse_key(changed) is None

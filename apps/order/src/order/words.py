"""What the service refuses with, beside what every service does."""

from onair_common.refusals import Words

WORDS = {
    "unknown-hold": Words(404, "담아 둔 상품을 찾을 수 없습니다", "No such hold"),
    "sold-out": Words(409, "품절되었습니다", "Sold out", "남은 수량이 부족합니다.", "There are not so many left."),
    "other-sale": Words(409, "다른 판매에 쓰인 이름입니다", "This id belongs to another sale"),
    "closed": Words(410, "판매가 끝났습니다", "The sale is over"),
    "expired-hold": Words(
        410, "담아 둔 시간이 지났습니다", "The hold has expired", "다시 담아 주세요.", "Please choose it again."
    ),
    "bad-key": Words(
        422,
        "멱등 키가 올바르지 않습니다",
        "No idempotency key",
        "Idempotency-Key: 담은 지역의 <지역>-<16진수 uuid4>를 쓰세요.",
        "Idempotency-Key: give <region>-<uuid4 in hex> of the hold's region.",
    ),
    "other-body": Words(422, "같은 키로 다른 요청이 있었습니다", "This key was used for another request"),
    "unknown-product": Words(422, "이 방송에 없는 상품입니다", "This show has no such product"),
    "bad-sale": Words(
        422,
        "판매 조건이 올바르지 않습니다",
        "Not such a sale",
        "판매는 30일 안에 끝나야 하고, 수량은 이 두 지역의 것이어야 합니다.",
        "A sale ends within the next 30 days, and its stock is of these regions.",
    ),
    "reconciling": Words(
        503, "재고를 확인하고 있습니다", "Stock is being checked", "잠시 뒤 다시 시도하세요.", "Try again in a moment."
    ),
}

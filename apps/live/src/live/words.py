"""What show control refuses with, beside what every service does."""

from onair_common.refusals import Words

_BAD = ("요청 내용이 올바르지 않습니다", "Unprocessable Content")
WORDS = {
    "bad-cursor": Words(
        400,
        "요청이 올바르지 않습니다",
        "Bad Request",
        "after, Last-Event-ID: 마지막으로 받은 번호를 쓰세요.",
        "after, Last-Event-ID: give the last sequence number that came.",
    ),
    "on-air": Words(409, "이미 방송 중입니다", "The show is on air already"),
    "not-on-air": Words(409, "방송 중이 아닙니다", "The show is not on air"),
    "other-event": Words(409, "다른 요청에 쓰인 번호입니다", "Another event has this id"),
    "bad-media-time": Words(
        422,
        *_BAD,
        "mediaTime: 지난 2분 안의 화면 시각을 쓰세요.",
        "mediaTime: give the instant of a picture of the last two minutes.",
    ),
    "other-product": Words(422, *_BAD, "product: 이 방송의 상품이 아닙니다.", "product: this show does not sell it."),
    "home-away": Words(
        503,
        "방송을 맡은 지역이 응답하지 않습니다",
        "The show's home region does not answer",
        "바뀐 것이 있는지 확실하지 않습니다. 잠시 뒤 화면을 확인하고 다시 시도하세요.",
        "Whether anything was changed is not known. Look at the show in a moment, and try again.",
    ),
}

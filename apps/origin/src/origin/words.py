"""What the origin refuses with."""

from onair_common.refusals import Words

WORDS = {
    "no-channel": Words(
        404,
        "찾을 수 없습니다",
        "Not Found",
        "그런 채널이 없습니다.",
        "There is no such channel.",
    ),
    "not-on-offer": Words(
        404,
        "찾을 수 없습니다",
        "Not Found",
        "그런 영상 조각이 없거나 지금은 제공하지 않습니다. 재생 목록을 다시 받으세요.",
        "There is no such segment, or it is not on offer now; ask for the playlist again.",
    ),
    "published-elsewhere": Words(
        421,
        "다른 지역으로 보내야 할 요청입니다",
        "Misdirected Request",
        "이 오리진은 이 채널을 송출하지 않습니다.",
        "This origin does not publish the channel.",
    ),
}

"""The words of the high-availability report, in both languages."""

LANGUAGES = ("en", "ko")
WORDS = {
    "title": ("High availability", "고가용성"),
    "made": (
        "Made by `onair drill --record` from the drills' own records; never edited by hand. The clients' logs are the"
        " judge: pages over kept and new connections, and sessions that browse, watch, chat and buy, at the platform's"
        " address, by viewers of each region.",
        "`onair drill --record`가 훈련 기록에서 만든 문서이며 손으로 고치지 않는다."
        " 판정은 클라이언트 기록으로 한다:"
        " 각 리전의 시청자가 플랫폼 주소로 유지 연결과 새 연결을 번갈아 쓰며 요청한 페이지와,"
        " 둘러보고 시청하고 대화하고 구매하는 세션.",
    ),
    "stands": (
        "What runs here is two real Kubernetes regions on one machine. The edge stands in for a global accelerator,"
        " links and nodes' power for the cloud's; a live account is needed to show the same of those.",
        "여기서 도는 것은 한 대의 기계 위의 실제 쿠버네티스 리전 두 개이다."
        " 엣지는 글로벌 가속기를, 링크와 노드 전원은 클라우드의 것을 대신한다."
        " 그것들까지 보이려면 실제 계정이 필요하다.",
    ),
    "all": ("All drills", "모든 훈련"),
    "drill": ("drill", "훈련"),
    "runs": ("runs", "횟수"),
    "holds": ("hypothesis", "가설"),
    "yes": ("holds", "성립"),
    "no": ("does not hold", "불성립"),
    "failed": ("failed of all requests", "실패/전체 요청"),
    "errors": ("errors for, s", "오류 지속(초)"),
    "recovered": ("recovered after, s", "복구(초)"),
    "spread": ("Of several runs: minimum / median / maximum.", "여러 번이면 최소 / 중앙 / 최대."),
    "hypothesis": ("Hypothesis", "가설"),
    "fault": ("Fault", "장애"),
    "seen": ("event", "사건"),
    "took": ("after, s", "경과(초)"),
    "bound": ("bound, s", "한계(초)"),
    "viewers": ("viewers", "시청자"),
    "sent": ("sent", "요청"),
    "lost": ("failed", "실패"),
    "served": ("served by", "응답 리전"),
    "outcomes": ("failures", "실패 종류"),
    "before": ("before", "이전"),
    "during": ("during", "장애 중"),
    "after": ("after", "복구 후"),
    "last": ("Last run", "마지막 실행"),
    "picture": (
        "By the second: requests (good in colour, failed in red), p99 in ms, and what viewers noticed; lines are the"
        " events of the table by their numbers. Last run.",
        "초당 요청(성공은 색, 실패는 빨강), p99(ms), 시청자가 느낀 것을 초 단위로 보인다."
        " 선은 표의 사건 번호이다. 마지막 실행.",
    ),
    "at": ("at, s", "시각(초)"),
    "kind": ("", "구분"),
    "kind_fault": ("fault", "장애"),
    "kind_detected": ("detected, shifted", "감지·전환"),
    "kind_heal": ("heal", "복구 시작"),
    "kind_recovered": ("recovered", "회복"),
    "healing": ("healing begins", "복구를 시작함"),
    "activity": ("activity", "활동"),
    "browse": ("pages", "둘러보기"),
    "watch": ("video in time", "시청"),
    "chat": ("chat", "대화"),
    "buy": ("purchases", "구매"),
    "noticed": ("What viewers of sessions noticed", "세션의 시청자가 느낀 것"),
    "count": ("count", "건수"),
    "books_good": (
        "The books after the drill: nothing oversold, charged twice or missing; every unit is accounted for.",
        "훈련 뒤의 장부: 초과 판매, 이중 결제, 사라진 주문이 없고 모든 수량이 맞는다.",
    ),
    "books_bad": ("The books after the drill", "훈련 뒤의 장부"),
    "rpo": ("orders lost", "잃은 주문"),
    "breach": ("Breach", "위반"),
    "never": ("not in time", "시간 안에 없음"),
    "none": ("no run is recorded", "기록 없음"),
}
"""English and Korean."""

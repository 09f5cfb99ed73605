"""A show and its products, for the stand-ins."""

from __future__ import annotations

from datetime import UTC, datetime

TEXTS: dict[str, dict[str, str]] = {
    "ko": {"title": "서울의 식탁 24시", "host": "이도현", "summary": "도자기부터 햇차까지, 오늘 저녁을 차리는 물건들."},
    "en": {"title": "The Seoul Table", "host": "Lee Do-hyun", "summary": "Moon jars, first tea: tonight's table."},
}
APRONS: list[tuple[str, str | None]] = [("APRON-OAT", "Oat"), ("APRON-INK", "Ink")]
GOODS: list[tuple[str, str, str, str, list[tuple[str, str | None]], int, int | None]] = [
    ("moon-jar", "moon-jar", "백자 달항아리", "White moon jar", [("MOONJAR-21", None)], 148000, 168000),
    ("first-tea", "tea", "하동 우전 녹차", "First-flush green tea", [("TEA-40", None)], 39000, None),
    ("onggi-kimchi", "onggi", "옹기 김치단지", "Onggi kimchi crock", [("ONGGI-3L", None)], 62000, None),
    ("linen-apron", "apron", "워싱 리넨 앞치마", "Washed linen apron", APRONS, 45000, None),
]  # fmt: skip


def instant(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat()

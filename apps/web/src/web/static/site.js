// Times in the viewer's own zone; without this script the page shows the region's.
const form = new Intl.DateTimeFormat(document.documentElement.lang, {
  month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!isNaN(at)) time.textContent = form.format(at);
}

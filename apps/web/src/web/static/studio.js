// The seller's console. Every button is one request to show control or orders.
import { $, ask, count, data, price, remaining, say, stock, words } from "./common.js";
import { mediaTime, play } from "./player.js";
import { chat } from "./chat.js";

const told = $("told"), live = `/api/live/shows/${data.show}`, products = new Map(data.products.map((p) => [p.id, p]));
let sales = data.sales, pinned = null;

async function act(button, done, action) {
  button.disabled = true;
  const { status, body } = await action();
  button.disabled = false;
  const good = status >= 200 && status < 300;
  told.classList.toggle("bad", !good);
  say(told, good ? done : [words.failed, body.title, body.detail].filter(Boolean).join(" · "));
  if (good) look();
  return good;
}

const post = (path, body = {}) => ask("POST", path, { body, wait: 8000 });

// The cue belongs to the picture that the seller sees.
function cue(kind, more) {
  const at = mediaTime();
  return post(`${live}/cues`, { kind, ...more, ...(at && { mediaTime: new Date(at).toISOString() }) });
}

let reloading = false;

function airing(state) {
  say($("airing"), words[`state_${state}`]);
  // For the picture, which this page came without; a little later, because pages may be a second old.
  if (state === "on-air" && data.state !== state && !$("player") && !reloading) {
    reloading = true;
    setTimeout(() => location.reload(), 1500);
  }
  $("start").hidden = state === "on-air";
  $("end").hidden = state !== "on-air";
}

$("start").addEventListener("click", async (event) => {
  if (await act(event.target, words.done_start, () => post(`${live}/start`))) airing("on-air");
});

let sure = 0;
$("end").addEventListener("click", async (event) => {
  if (Date.now() - sure > 5000) { sure = Date.now(); return say(told, event.target.dataset.sure); }
  if (await act(event.target, words.done_end, () => post(`${live}/end`))) airing("ended");
});

for (const button of document.querySelectorAll("[data-pin]")) {
  button.addEventListener("click", () => {
    const id = button.dataset.pin, off = pinned === id;
    act(button, off ? words.done_unpin : words.done_pin, async () => {
      const answer = await cue(off ? "unpin" : "pin", { product: id });
      if (answer.status < 300 && answer.status) pinned = off ? null : id;
      paint();
      return answer;
    });
  });
}

for (const form of document.querySelectorAll("[data-open]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = new FormData(form), sale = `${data.show.slice(0, 24)}-${Date.now().toString(36)}`;
    const quantity = Object.fromEntries(data.regions.map((r) => [r, Number(fields.get(r))]));
    const closes = new Date(Date.now() + fields.get("minutes") * 60000).toISOString();
    act(form.querySelector("button"), words.done_open, async () => {
      const opened = await post("/api/order/sales", { sale, show: data.show, sku: fields.get("sku"), quantity, closes });
      // Without the cue viewers see the sale at once; with it, when their picture gets there.
      if (opened.status === 201) await cue("sale-open", { sale });
      if (opened.status === 201) form.closest("details").open = false;
      return opened;
    });
  });
}

for (const button of document.querySelectorAll("[data-shut]")) {
  button.addEventListener("click", () => act(button, words.done_close, async () => {
    let answer = { status: 0, body: {} };
    for (const sale of open(button.dataset.shut)) {
      answer = await post(`/api/order/sales/${sale.sale}/close`);
      if (answer.status === 200) await cue("sale-close", { sale: sale.sale });
    }
    return answer;
  }));
}

const open = (id) => sales.filter((s) => s.state === "open" && Date.parse(s.closes) > Date.now() && products.get(id).variants.some((v) => v.sku === s.sku));

function paint() {
  for (const [id] of products) {
    const list = open(id), button = document.querySelector(`[data-pin="${id}"]`);
    button.setAttribute("aria-pressed", String(pinned === id));
    say(button, pinned === id ? button.dataset.on : button.dataset.off);
    document.querySelector(`[data-shut="${id}"]`).hidden = !list.length;
    say(document.querySelector(`[data-stock="${id}"]`), list.map((s) => `${stock(s.left)} · ${remaining(Date.parse(s.closes) - Date.now())}`).join(", "));
  }
}

async function look() {
  const [chatting, selling, listed, show] = await Promise.all([
    ask("GET", `/api/chat/rooms/${data.show}/figures`), ask("GET", `/api/order/shows/${data.show}/figures`),
    ask("GET", `/api/order/shows/${data.show}/sales`), ask("GET", live),
  ]);
  const set = (id, answer, value) => say($(`f-${id}`), answer.status === 200 ? value() : words.unread);
  set("viewers", chatting, () => count(chatting.body.viewers));
  set("messages", chatting, () => count(chatting.body.messages));
  set("orders", selling, () => count(selling.body.orders));
  set("revenue", selling, () => price(selling.body.revenue));
  set("left", selling, () => count(selling.body.left));
  if (listed.status === 200) sales = listed.body.sales;
  if (show.status === 200) {
    const pins = (show.body.cues ?? []).filter((c) => c.kind === "pin" || c.kind === "unpin");
    pins.sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || (a.seq ?? 0) - (b.seq ?? 0));
    const last = pins.at(-1);
    pinned = last?.kind === "pin" ? last.product : null;
    airing(show.body.state ?? show.body.status);
  }
  paint();
}

if ($("player")) play($("player"));
chat();
look();
setInterval(() => { if (!document.hidden) look(); }, 3000);
setInterval(paint, 1000);

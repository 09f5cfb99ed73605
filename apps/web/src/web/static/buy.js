// Sales as they are now on every card, and the sheet to buy from.
import { $, ask, backoff, data, fill, insist, make, newKey, price, remaining, say, sleep, stock, words } from "./common.js";

const sheet = $("sheet"), choose = $("choose"), pay = $("pay"), told = $("told"), quantity = $("quantity");
const products = new Map(data.products.map((p) => [p.id, p]));
let sales = data.sales, opened = {}, product = null, held = null, busy = false;

// A sale counts when the picture has reached its opening, and until it reaches its end.
export const openSales = (id) => sales.filter((s) =>
  s.state === "open" && opened[s.sale] !== false && Date.parse(s.closes) > Date.now() &&
  products.get(id)?.variants.some((v) => v.sku === s.sku));

export function reach(state) {
  const fresh = JSON.stringify(state.opened) !== JSON.stringify(opened);
  opened = state.opened;
  paint();
  if (fresh) refresh();
}

async function refresh() {
  const { status, body } = await ask("GET", `/api/order/shows/${data.show}/sales`, { wait: 3000 });
  if (status === 200) { sales = body.sales; paint(); }
  return status === 200;
}

const ends = (list) => fill(words.ends, remaining(Math.min(...list.map((s) => Date.parse(s.closes))) - Date.now()));

export function paint() {
  for (const box of document.querySelectorAll("[data-offer]")) {
    const list = openSales(box.dataset.offer), left = list.reduce((sum, s) => sum + s.left, 0);
    box.hidden = !list.length;
    if (!list.length) continue;
    let button = box.querySelector("button");
    if (!button) {
      button = make("button", { type: "button", className: "buy", onclick: () => show(box.dataset.offer) });
      box.append(button);
    }
    say(box.querySelector(".stock"), stock(left));
    box.classList.toggle("few", left > 0 && left <= 5);
    say(box.querySelector(".ends"), ends(list));
    say(button, left ? words.buy_it : words.sold_out);
    button.setAttribute("aria-label", `${button.textContent}: ${products.get(box.dataset.offer).name}`);
    button.disabled = !left;
  }
  if (sheet.open && product) {
    const list = openSales(product.id), sale = chosen();
    say($("sheet-stock"), sale ? stock(sale.left) : list.length ? "" : words.closed);
    say($("sheet-ends"), list.length ? ends(list) : "");
  }
}

const chosen = () => {
  const list = openSales(product.id), sku = choose.querySelector("[name=sku]:checked")?.value;
  return list.find((s) => s.sku === sku) ?? (list.length === 1 ? list[0] : undefined);
};
const each = (sale) => sale.price ?? product.variants.find((v) => v.sku === sale.sku);

function show(id) {
  const changed = product?.id !== id;
  product = products.get(id);
  if (changed || !held || held.until < Date.now()) step("choose");
  say($("sheet-title"), product.name);
  const list = openSales(id), box = $("options");
  box.hidden = list.length < 2;
  box.replaceChildren(box.firstElementChild, ...list.map((s, n) => {
    const { label } = product.variants.find((v) => v.sku === s.sku);
    return make("label", { className: "choice" }, make("input", { type: "radio", name: "sku", value: s.sku, checked: !n, onchange: total }), ` ${label || product.name}`);
  }));
  total();
  sheet.showModal();
  paint();
}

function step(name, text = "", link = "") {
  choose.hidden = name !== "choose";
  pay.hidden = name !== "pay";
  $("after").hidden = !link;
  if (link) $("to-order").href = `/orders/${link}`;
  if (name !== "pay") held = null;
  say(told, text);
  told.className = `told ${name === "done" ? "good" : text ? "bad" : ""}`;
}

function total() {
  const sale = chosen(), { minor, currency } = sale ? each(sale) : { minor: 0 };
  say($("sum"), sale ? price({ minor: minor * quantity.value, currency }) : "");
}

// While a request runs, the buttons rest: a second press is no second order.
async function once(form, action) {
  if (busy) return;
  busy = true;
  const button = form.querySelector(".wide"), kept = [...button.childNodes];
  button.setAttribute("aria-disabled", "true");
  button.replaceChildren(words.working);
  try { await action(); } finally {
    busy = false;
    button.removeAttribute("aria-disabled");
    button.replaceChildren(...kept);
  }
}

async function hold() {
  const sale = chosen();
  if (!sale) return step("choose", words.closed);
  const key = newKey(data.region), body = { sale: sale.sale, sku: sale.sku, quantity: Number(quantity.value) };
  say(told, "");
  let answer;
  for (let n = 0; n < 8; n++) { // the key's home region may be away: the same key asks again, and holds once
    answer = await insist("POST", "/api/order/holds", { body, headers: { "idempotency-key": key } });
    if (answer.status !== 202) break;
    say(told, words.pending);
    await sleep(1000 + backoff(n, 500, 3000));
  }
  const { status, body: found } = answer;
  if (status === 201) {
    step("pay");
    held = { ...found, until: Date.parse(found.expiresAt), key: newKey(found.hold.slice(0, 2)) };
    say($("due"), price(found.amount));
    say($("paid-sum"), price(found.amount));
    tick();
    pay.querySelector("input:checked").focus();
  } else if (status === 409) {
    await refresh();
    step("choose", (chosen()?.left ?? 0) > 0 ? words.not_so_many : words.sold_out_told);
  } else step("choose", failure(status, found));
}

const failure = (status, body) =>
  status === 410 ? (body.code === "expired-hold" ? words.expired : words.closed)
    : status === 202 ? words.pending
      : status === 401 || status === 403 ? words.reload
        : status === 0 || status >= 500 ? words.order_away
          : [body.title, body.detail].filter(Boolean).join(" · ") || words.failed;

async function order() {
  if (!held || held.until < Date.now()) return step("choose", words.expired);
  const { key, hold: id } = held;
  const token = pay.querySelector("[name=token]:checked").value;
  const { status, body } = await insist("POST", "/api/order/orders", { body: { hold: id, payment: { token } }, headers: { "idempotency-key": key } });
  if (status !== 202 && status !== 200) {
    // An answer that never came may have been an order: its page tells.
    if (status === 0 || status >= 500) return step("wait", words.order_away, key);
    return step("choose", failure(status, body));
  }
  let state = body.state;
  for (let n = 0; n < 12 && (state === "paying" || state === "pending"); n++) {
    await sleep(Math.min(2500, 300 * 1.4 ** n));
    const now = await ask("GET", `/api/order/orders/${key}`);
    if (now.status === 200 || now.status === 202) state = now.body.state;
  }
  if (state === "paid") step("done", words.paid, key);
  else if (state === "declined") step("choose", words.declined);
  else if (state === "cancelled" || state === "refunded") step("choose", words.cancelled);
  else step("wait", words.pending, key);
  refresh();
}

function tick() {
  if (!held) return;
  say($("held"), remaining(held.until - Date.now()));
  if (held.until < Date.now() && !busy) step("choose", words.expired);
}

export function selling() {
  choose.addEventListener("submit", (event) => { event.preventDefault(); once(choose, hold); });
  pay.addEventListener("submit", (event) => { event.preventDefault(); once(pay, order); });
  quantity.addEventListener("input", total);
  for (const button of choose.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => { quantity.value = Math.min(5, Math.max(1, Number(quantity.value) + Number(button.dataset.step))); total(); });
  }
  sheet.querySelector("[data-close]").addEventListener("click", () => sheet.close());
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
  paint();
  setInterval(() => { paint(); tick(); }, 500);
  const again = async () => {
    if (!document.hidden) await refresh();
    // Often while something is on sale; with jitter, so that viewers do not ask together.
    setTimeout(again, (data.products.some((p) => openSales(p.id).length) ? 3000 : 15000) * (0.8 + Math.random() * 0.4));
  };
  setTimeout(again, 2000 + Math.random() * 2000);
}

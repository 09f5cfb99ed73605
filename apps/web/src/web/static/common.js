// What the page's parts share: its data and words, requests, prices and countdowns.
export const $ = (id) => document.getElementById(id);
const page = $("page");
export const data = page.dataset.page ? JSON.parse(page.dataset.page) : {};
export const words = page.dataset.words ? JSON.parse(page.dataset.words) : {};
export const lang = document.documentElement.lang;

export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// Writes only what changed, so that screen readers hear a text once.
export const say = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
// Full jitter: clients that lost the same pod do not come back together.
export const backoff = (tries, base, most) => Math.random() * Math.min(most, base * 2 ** tries);

export function price({ minor, currency }) {
  const digits = currency === "KRW" ? 0 : 2;
  const amount = (minor / 10 ** digits).toLocaleString("en-US", { minimumFractionDigits: digits });
  if (currency === "KRW") return lang === "ko" ? `${amount}원` : `₩${amount}`;
  return currency === "USD" ? `$${amount}` : `${currency} ${amount}`;
}

export const count = (n) => n.toLocaleString("en-US");
export const fill = (text, value) => text.replace("{}", value);
export const stock = (left) => (left ? fill(words.left, count(left)) : words.sold_out);

export function remaining(ms) {
  const s = Math.max(0, Math.ceil(ms / 1000)), two = (n) => String(n).padStart(2, "0");
  return (s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}` : Math.floor(s / 60)) + `:${two(s % 60)}`;
}

const csrf = document.querySelector("meta[name=csrf]")?.content ?? "";

// One request. Never throws: {status, body}; status 0 when nobody answered in time.
export async function ask(method, path, { body, headers = {}, wait = 5000 } = {}) {
  try {
    const answer = await fetch(path, {
      method, signal: AbortSignal.timeout(wait), cache: "no-store",
      headers: {
        accept: "application/json", "accept-language": lang,
        ...(method === "GET" ? {} : { "x-csrf-token": csrf, "content-type": "application/json" }), ...headers,
      },
      body: typeof body === "object" ? JSON.stringify(body) : body,
    });
    const text = await answer.text();
    let read = {};
    try { read = JSON.parse(text); } catch { /* a proxy's own page */ }
    return { status: answer.status, body: read };
  } catch {
    return { status: 0, body: {} };
  }
}

// A request that may be repeated: same key, same body, so a lost answer is asked for again.
export async function insist(method, path, options, tries = 4) {
  for (let n = 0; ; n++) {
    const answer = await ask(method, path, options);
    if ((answer.status && answer.status < 500) || n + 1 >= tries) return answer;
    await sleep(200 + backoff(n, 400, 3000));
  }
}

// Home region and a version 4 UUID, as orders' keys are.
export function newKey(region) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  return `${region}-${Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("")}`;
}

// The chat: one socket, which comes back after a loss and asks for what it missed.
import { $, ask, backoff, count, data, fill, make, say, words } from "./common.js";

const KEPT = 200, GIVE_UP_SOON = 3;
// A socket whose other end is lost with its node stays open here and says nothing. Milliseconds until it counts as lost: on its way to being
// open, with a message that nobody took, and silent (the chat says something every 5 s). What was said is sent again under its own name.
const OPENING = 5000, ANSWER = 4000, SILENCE = 15000;
// While the room's memory is away nothing can be said; it is tried again so often, for so long.
const AGAIN = 1000, PATIENCE = 15000;
const list = $("messages"), log = $("log"), line = $("line"), form = $("say"), input = $("text"), note = $("said"), newer = $("newer");
const seen = {}, unsent = new Map(), asked = new Map();
let socket = null, tries = 0, timer = 0, mine = "", seller = false, ended = false;
let since = 0, waiting = 0; // when this socket was last heard of, and since when a message waits for its answer

function connect() {
  clearTimeout(timer);
  const after = Object.entries(seen).map(([home, seq]) => `${home}:${seq}`).join(",");
  const url = new URL(`/api/chat/rooms/${data.show}/socket${after && `?after=${after}`}`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const own = socket = new WebSocket(url);
  since = performance.now();
  waiting = 0;
  own.onmessage = (event) => { if (own === socket) hear(JSON.parse(event.data)); };
  own.onclose = () => { if (own === socket) lost(); };
}

function lost(soon = false) {
  const old = socket;
  socket = null;
  old?.close();
  open(false);
  say(line, tries < GIVE_UP_SOON ? words.chat_off : words.chat_away);
  if (!ended) timer = setTimeout(connect, soon ? Math.random() * 1500 : 300 + backoff(tries++, 600, 15000));
}

function watch() {
  if (!socket) return;
  const now = performance.now();
  if (socket.readyState === 0 ? now - since > OPENING : now - since > SILENCE || (waiting && now - waiting > ANSWER)) lost(true);
}

function open(yes) {
  input.disabled = form.querySelector("button").disabled = !yes;
}

function send(message) {
  if (socket?.readyState !== 1) return;
  waiting ||= performance.now();
  socket.send(JSON.stringify(message));
}

function submit(message) {
  unsent.set(message.ref, message); // sent again after a loss: the same ref is the same message
  asked.set(message.ref, performance.now());
  send(message);
}

function answered(ref) {
  unsent.delete(ref);
  asked.delete(ref);
  waiting = unsent.size && performance.now();
}

const heard = {
  hello(m) {
    tries = 0; mine = m.viewer; seller = m.role === "seller";
    list.classList.toggle("moderated", seller);
    open(true);
    say(line, "");
    watching(m.viewers);
    for (const message of unsent.values()) send(message);
  },
  message(m) { if (fresh(m.id)) show(m); },
  deleted(m) {
    const item = $(`m-${m.id}`);
    if (item) { item.className = "gone"; item.replaceChildren(words.deleted); }
  },
  accepted(m) {
    const muted = unsent.get(m.ref)?.type === "mute";
    answered(m.ref);
    say(note, muted ? words.muted : "");
  },
  refused(m) {
    const message = unsent.get(m.ref);
    if (m.reason === "away" && message && performance.now() - asked.get(m.ref) < PATIENCE) {
      waiting = 0;
      setTimeout(() => unsent.has(m.ref) && send(message), AGAIN);
      return;
    }
    answered(m.ref);
    say(note, words[`refused_${m.reason}`] ?? words.refused_format);
    if (message?.type === "say" && !input.value) input.value = message.text; // nothing written is lost
  },
  viewers(m) { watching(m.count); },
  drain() { lost(true); },
};

function hear(m) {
  since = performance.now();
  heard[m.type]?.(m);
}

const watching = (n) => say($("watching"), fill(words.watching, count(n)));

// Remembers how far each region's messages were seen; false for one that is here already.
function fresh(id) {
  const [, home, seq] = /^([a-z]+)-(\d+)$/.exec(id) ?? [];
  if (home) seen[home] = Math.max(seen[home] ?? 0, Number(seq));
  return !$(`m-${id}`);
}

const near = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;

function show(m) {
  const atEnd = near();
  const item = make("li", { id: `m-${m.id}`, className: m.viewer === mine ? "own" : "" },
    make("b", { textContent: m.nickname }));
  if (m.role === "seller") item.append(make("span", { className: "tag", textContent: words.seller }));
  item.append(make("span", { className: "text", textContent: m.text }));
  if (seller) item.append(controls(m));
  list.append(item);
  while (list.children.length > KEPT) list.firstChild.remove();
  if (atEnd || m.viewer === mine) log.scrollTop = log.scrollHeight;
  else newer.hidden = false;
}

function controls(m) {
  const act = (message) => () => submit({ ...message, ref: newRef() });
  const button = (text, message) => make("button", { type: "button", className: "plain", textContent: text, ariaLabel: `${text}: ${m.nickname}`, onclick: act(message) });
  const box = make("span", { className: "acts" }, button(words.delete, { type: "delete", id: m.id }));
  if (m.viewer !== mine) box.append(button(words.mute, { type: "mute", viewer: m.viewer, seconds: 600 }));
  return box;
}

const newRef = () => crypto.getRandomValues(new Uint32Array(3)).join("-");

export function chat() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text || unsent.size > 20) return;
    input.value = "";
    say(note, "");
    submit({ type: "say", text, ref: newRef() });
  });
  newer.addEventListener("click", () => { log.scrollTop = log.scrollHeight; input.focus(); });
  log.addEventListener("scroll", () => { if (near()) newer.hidden = true; });
  $("rename").addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(event.target));
    const { status, body } = await ask("POST", "/nickname", { body: fields.toString(), headers: { "content-type": "application/x-www-form-urlencoded" } });
    if (status === 200) {
      say($("me"), body.nickname);
      $("who").open = false;
      $("who").querySelector("summary").focus();
      lost(true); // the socket learns the name from the cookie
    }
    say(note, status === 200 ? words.saved : body.title && status === 422 ? body.title : words.reload);
  });
  setInterval(watch, 1000);
  addEventListener("online", () => { if (!socket) connect(); });
  addEventListener("pagehide", () => { ended = true; });
  addEventListener("pageshow", (event) => { ended = false; if (event.persisted && !socket) connect(); });
  connect();
}

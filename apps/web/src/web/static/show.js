// The show page.
import { $, data, make, say, words } from "./common.js";
import { play } from "./player.js";
import { follow } from "./cues.js";
import { chat } from "./chat.js";
import { paint, reach, selling } from "./buy.js";

function pin(id) {
  const box = $("pin"), item = id && document.getElementById(id);
  if ((box.dataset.product || null) === id && (!id || box.children.length)) return;
  box.dataset.product = id ?? "";
  box.hidden = !item;
  for (const other of document.querySelectorAll(".item")) other.classList.toggle("pinned", other === item);
  if (!item) return box.replaceChildren();
  const offer = make("div", { className: "offer", hidden: true },
    make("p", { className: "facts" }, make("span", { className: "stock" }), " ", make("span", { className: "ends" })));
  offer.dataset.offer = id;
  box.replaceChildren(item.querySelector(".thumb").cloneNode(true),
    make("div", { className: "what" }, make("p", { className: "kicker", textContent: words.pinned_now }),
      make("h2", { textContent: item.querySelector("h3").textContent }), item.querySelector(".price").cloneNode(true)), offer);
}

if ($("player")) play($("player"));
selling();
follow(
  (state) => { pin(state.pinned); reach(state); paint(); },
  (state) => {
    if (state === data.state) return;
    data.state = state;
    say($("showline"), state === "ended" ? words.ended : state === "on-air" ? words.started : "");
  },
);
chat();

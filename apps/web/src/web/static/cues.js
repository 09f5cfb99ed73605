// Cues of the show, each taken when the picture reaches it: what is pinned, which sales are open.
import { backoff, data } from "./common.js";
import { mediaTime } from "./player.js";

const cues = new Map();
let last = data.seq, told = "";

function add(cue) {
  cues.set(cue.id, { ...cue, time: Date.parse(cue.at) });
  last = Math.max(last, cue.seq ?? 0);
}

// What holds at the picture's instant: {pinned, opened: sales that a cue opened (true) or closed (false)}.
function fold(now) {
  const state = { pinned: null, opened: {} };
  for (const cue of [...cues.values()].sort((a, b) => a.time - b.time || (a.seq ?? 0) - (b.seq ?? 0))) {
    if (cue.kind.startsWith("sale-")) {
      if (cue.time <= now) state.opened[cue.sale] = cue.kind === "sale-open";
      else state.opened[cue.sale] ??= cue.kind === "sale-close";
    } else if (cue.time <= now) state.pinned = cue.kind === "pin" ? cue.product : null;
  }
  return state;
}

export function follow(onChange, onState) {
  data.cues.forEach(add);
  const look = () => {
    // Without a picture the clock must do.
    const state = fold(mediaTime() ?? Date.now()), text = JSON.stringify(state);
    if (text !== told) { told = text; onChange(state); }
  };
  look();
  setInterval(look, 200);

  let tries = 0;
  const open = () => {
    const stream = new EventSource(`/api/live/shows/${data.show}/events?after=${last}`);
    stream.addEventListener("open", () => { tries = 0; });
    stream.addEventListener("cue", (event) => { add(JSON.parse(event.data)); look(); });
    stream.addEventListener("state", (event) => {
      const turn = JSON.parse(event.data);
      last = Math.max(last, turn.seq);
      onState(turn.kind === "end" ? "ended" : "on-air");
    });
    stream.addEventListener("error", () => {
      stream.close(); // by hand: with jitter, and from the last cue that came
      setTimeout(open, 500 + backoff(tries++, 1000, 20000));
    });
  };
  open();
}

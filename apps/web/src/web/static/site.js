"use strict";
// Times in the viewer's own zone; without this script the page shows the region's.
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!isNaN(at)) {
    time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, {
      month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    }).format(at);
  }
}

const player = document.getElementById("player");
if (player) play(player, document.getElementById("video"), document.getElementById("state"));

function play(box, video, label) {
  const source = box.dataset.src;
  const say = (state) => {
    if (box.dataset.state !== state) { box.dataset.state = state; label.textContent = box.dataset[state]; }
  };
  const sound = document.getElementById("sound");
  const offerSound = () => { sound.hidden = !video.muted; };
  sound.addEventListener("click", () => { video.muted = false; if (!video.volume) video.volume = 1; video.play().catch(() => {}); });
  video.addEventListener("volumechange", offerSound);
  offerSound();
  video.addEventListener("playing", () => say("playing"));
  video.addEventListener("timeupdate", () => { if (!video.paused && video.readyState > 2) say("playing"); });
  video.addEventListener("waiting", () => say("waiting"));
  const start = () => video.play().catch(() => {}); // a browser may refuse to start by itself: the controls are there

  if (window.Hls && Hls.isSupported()) {
    // Quick to give up on one answer and slow to give up at all: the address fails over to another region.
    const load = (bytes, all) => ({ default: {
      maxTimeToFirstByteMs: bytes, maxLoadTimeMs: all,
      timeoutRetry: { maxNumRetry: 12, retryDelayMs: 0, maxRetryDelayMs: 0 },
      errorRetry: { maxNumRetry: 24, retryDelayMs: 500, maxRetryDelayMs: 2000 },
    } });
    const hls = new Hls({
      enableWorker: false, // its worker comes from a blob: address, which the page's policy does not allow
      liveSyncDurationCount: 3, liveMaxLatencyDurationCount: 8, maxLiveSyncPlaybackRate: 1.05,
      backBufferLength: 30, manifestLoadPolicy: load(2500, 5000), playlistLoadPolicy: load(2500, 5000), fragLoadPolicy: load(2500, 8000),
    });
    hls.on(Hls.Events.ERROR, (_, error) => {
      if (!error.fatal) return;
      say("lost");
      if (error.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
      else setTimeout(() => { hls.loadSource(source); start(); }, 1500);
    });
    hls.on(Hls.Events.MANIFEST_PARSED, start);
    hls.attachMedia(video);
    hls.loadSource(source);
  } else if (video.canPlayType("application/vnd.apple.mpegurl")) {
    video.addEventListener("error", () => { say("lost"); setTimeout(() => { video.src = source; start(); }, 1500); });
    video.src = source;
    start();
  } else {
    say("unsupported");
  }
}

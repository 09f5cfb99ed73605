// The video: hls.js where Media Source Extensions are, the browser's own player elsewhere.
let hls = null, video = null;

// The instant that the picture shows, in ms; null while there is none.
export function mediaTime() {
  const date = hls?.playingDate;
  if (date) return date.getTime();
  const start = video?.getStartDate?.()?.getTime();
  return start ? start + video.currentTime * 1000 : null;
}

export function play(box) {
  video = box.querySelector("video");
  const label = box.querySelector("#state"), sound = box.querySelector("#sound"), source = box.dataset.src;
  const tell = (state) => {
    if (box.dataset.state !== state) { box.dataset.state = state; label.textContent = box.dataset[state]; }
  };
  const offerSound = () => { sound.hidden = !video.muted; };
  sound.addEventListener("click", () => { video.muted = false; if (!video.volume) video.volume = 1; video.play().catch(() => {}); });
  video.addEventListener("volumechange", offerSound);
  offerSound();
  video.addEventListener("playing", () => tell("playing"));
  video.addEventListener("timeupdate", () => { if (!video.paused && video.readyState > 2) tell("playing"); });
  video.addEventListener("waiting", () => tell("waiting"));
  const start = () => video.play().catch(() => {}); // a browser may refuse to start by itself: the controls are there

  if (window.Hls && Hls.isSupported()) {
    // Quick to give up on one answer and slow to give up at all: the address fails over to another region.
    const load = (bytes, all) => ({ default: {
      maxTimeToFirstByteMs: bytes, maxLoadTimeMs: all,
      timeoutRetry: { maxNumRetry: 12, retryDelayMs: 0, maxRetryDelayMs: 0 },
      errorRetry: { maxNumRetry: 24, retryDelayMs: 500, maxRetryDelayMs: 2000 },
    } });
    hls = new Hls({
      enableWorker: false, // its worker comes from a blob: address, which the page's policy does not allow
      maxLiveSyncPlaybackRate: 1.1,
      backBufferLength: 30, manifestLoadPolicy: load(2500, 5000), playlistLoadPolicy: load(2500, 5000), fragLoadPolicy: load(2500, 8000),
    });
    hls.config.liveMaxLatencyDurationCount = 8; // given above it would need liveSyncDurationCount, which hides the playlist's own hold-back
    // A publication is played close to its edge. Whoever came for the stand-in is further back and goes there once.
    let low = false;
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      const begins = details.canBlockReload && !low;
      low = details.canBlockReload;
      if (begins && video.readyState && hls.latency > hls.targetLatency + 1) video.currentTime = hls.liveSyncPosition;
    });
    hls.on(Hls.Events.ERROR, (_, error) => {
      if (!error.fatal) return;
      tell("lost");
      if (error.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
      else setTimeout(() => { hls.loadSource(source); start(); }, 1500);
    });
    hls.on(Hls.Events.MANIFEST_PARSED, start);
    hls.attachMedia(video);
    hls.loadSource(source);
  } else if (video.canPlayType("application/vnd.apple.mpegurl")) {
    video.addEventListener("error", () => { tell("lost"); setTimeout(() => { video.src = source; start(); }, 1500); });
    video.src = source;
    start();
  } else {
    tell("unsupported");
  }
}

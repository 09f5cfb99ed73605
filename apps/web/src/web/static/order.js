// The order page: looks again until the payment is settled, then shows the page anew.
import { $, ask, backoff, sleep } from "./common.js";

const { order, state } = $("page").dataset;
for (let n = 0; (state === "paying" || state === "pending") && n < 60; n++) {
  await sleep(700 + backoff(Math.min(n, 4), 400, 4000));
  const now = await ask("GET", `/api/order/orders/${order}`);
  if ((now.status === 200 || now.status === 202) && now.body.state !== state) { location.reload(); break; }
}

// node bench.mjs BODY HEADER SECRET: prints nanoseconds of CPU for one verified and typed event.
import { readFileSync } from 'node:fs';
import { Paddle } from '@paddle/paddle-node-sdk';

const [body, header, secret] = process.argv.slice(2);
const bodyText = readFileSync(body, 'utf8');
const headerText = readFileSync(header, 'utf8');
const paddle = new Paddle('no key is needed to verify');

// Its tolerance is 5 seconds and cannot be changed: the clock stands still at the time of the signature.
const signedAt = Number(/ts=(\d+)/.exec(headerText)[1]) * 1000;
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...when) {
    super(...(when.length > 0 ? when : [signedAt]));
  }
};

const call = () => paddle.webhooks.unmarshal(bodyText, secret, headerText);
const event = await call();
if (!event?.eventType) throw new Error('not verified');
for (let i = 0; i < 200; i += 1) await call();

const calls = Math.max(50, Math.floor(4_000_000 / bodyText.length));
const start = process.cpuUsage();
for (let i = 0; i < calls; i += 1) await call();
const used = process.cpuUsage(start);
console.log(Math.floor(((used.user + used.system) * 1000) / calls));

// node server.mjs, with SECRET in the environment: verifies deliveries with Paddle's own SDK, keeps nothing, answers 200.
// Prints its port.
import express from 'express';
import { Paddle } from '@paddle/paddle-node-sdk';

const paddle = new Paddle('no key is needed to verify');
const app = express();

app.post('/paddle/webhook', express.raw({ type: '*/*', limit: '2mb' }), async (request, response) => {
  try {
    const signature = request.headers['paddle-signature'] ?? '';
    await paddle.webhooks.unmarshal(request.body.toString(), process.env.SECRET, signature);
  } catch {
    response.sendStatus(401);
    return;
  }
  response.sendStatus(200);
});

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));

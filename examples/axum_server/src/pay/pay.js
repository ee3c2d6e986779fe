// Loads Paddle.js, which opens the checkout of the transaction that the address names, and tells the buyer what happens.
"use strict";

(() => {
  const { token, environment, script } = document.currentScript.dataset;

  // How long the script may take before the buyer is told. It may still come.
  const PATIENCE = 20_000;

  const element = (id) => document.getElementById(id);

  const say = (state, title, text, canTryAgain = false) => {
    document.body.dataset.state = state;
    element("title").textContent = title;
    element("text").textContent = text;
    element("again").hidden = !canTryAgain;
  };

  const cannotLoad = () =>
    say(
      "no-script",
      "The checkout could not be loaded",
      "Please check your connection, and whether an ad blocker or a company network keeps cdn.paddle.com away. Then try again.",
      true,
    );

  const onEvent = (event) => {
    switch (event.name) {
      case "checkout.loaded":
        say("open", "Checkout", "Please finish your payment in the window that has opened.");
        break;
      case "checkout.completed":
        say("paid", "Thank you", "Your payment has arrived. You will get a receipt by e-mail.");
        break;
      case "checkout.closed":
        // After a payment the window is closed as well.
        if (document.body.dataset.state !== "paid") {
          say("closed", "Checkout closed", "Nothing was paid. You can open it again, also later.", true);
        }
        break;
      case "checkout.error":
        say(
          "refused",
          "The checkout could not be opened",
          "The payment may be done already, or the link may no longer be valid. If you still want to pay, ask whoever sent it for a new one.",
          true,
        );
        break;
    }
  };

  const start = () => {
    try {
      if (environment === "sandbox") {
        Paddle.Environment.set("sandbox");
      }
      Paddle.Initialize({ token, eventCallback: onEvent });
      if (document.body.dataset.state !== "open") {
        document.body.dataset.state = "started";
      }
    } catch {
      cannotLoad();
    }
  };

  element("again").addEventListener("click", () => location.reload());
  document.body.dataset.state = "loading";
  const loader = document.createElement("script");
  const late = setTimeout(cannotLoad, PATIENCE);
  loader.src = script;
  loader.addEventListener("load", () => {
    clearTimeout(late);
    start();
  });
  loader.addEventListener("error", () => {
    clearTimeout(late);
    cannotLoad();
  });
  document.head.append(loader);
})();

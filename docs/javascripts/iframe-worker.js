/* SPDX-License-Identifier: Apache-2.0 */
/* The search works in a Worker, which browsers refuse to pages from disk: there, a hidden frame
 * stands in for it. The theme would fetch such a script from the network. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.inside = frame.contentWindow;
      this.inside.postMessage = (data) => this.tell(this, data);
      this.inside.importScripts = (...urls) => urls.reduce(
        (before, one) => before.then(() => this.load(one)), Promise.resolve());
      this.ready = this.load(url);
    }

    load(url) {
      return new Promise((resolve, reject) => {
        const script = this.inside.document.createElement("script");
        Object.assign(script, { src: url, onload: resolve, onerror: reject });
        this.inside.document.body.append(script);
      });
    }

    tell(whom, data) {
      whom.dispatchEvent(new MessageEvent("message", { data: structuredClone(data) }));
    }

    postMessage(data) {
      this.ready.then(() => this.tell(this.inside, data));
    }
  };
}

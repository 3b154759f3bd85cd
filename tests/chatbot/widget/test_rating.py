"""The widget thanks for a rating once it has arrived, and says so where it was not sent."""

import subprocess
from pathlib import Path

import pytest

WIDGET = Path(__file__).parents[3] / "chatbot/static/chatbot/widget"
# The parts of the page that it touches, and a connection that alice can cut.
PAGE = """
import assert from "node:assert";
const parts = {};
function part(id) {
  return (parts[id] ??= { hidden: true, textContent: "", listeners: {}, reset() {},
    elements: { score: { value: "5" }, comment: { value: "" }, email: { value: "" } },
    addEventListener(name, act) { this.listeners[name] = act; } });
}
globalThis.document = { getElementById: part };
const { Ended } = await import("WIDGET/view/ended.js");
const { Assured } = await import("WIDGET/connection/assured.js");
const sent = [];
const connection = { up: true, probe() {},
  send(frame) { if (this.up) sent.push(frame); return this.up; } };
const assured = new Assured(connection);
const ended = new Ended({});
ended.onRated = (score, comment, proved) => assured.send({ type: "csat", score, comment }, proved);
const rate = () => part("rating").listeners.change({ target: { name: "score" } });
const pings = () => sent.filter((one) => one.type === "ping").map((one) => one.n);
const told = () => part("rated").textContent;
"""
SCENES = {
    "thanked once it has arrived": """
        rate(); assert(!told().includes("Thank")); assured.proved(pings()[0]);
        assert.equal(told(), "Thank you for telling us.");""",
    "told that it was not sent": """
        rate(); ended.cutOff(); assert.match(told(), /send your rating again/);
        assured.proved(pings()[0]); assert.match(told(), /send your rating again/);""",
    "thanked for the last of two": """
        rate(); rate(); assured.proved(pings()[0]); assert(!told().includes("Thank"));
        assured.proved(pings()[1]); assert.match(told(), /Thank/);""",
    "thanked although the connection goes afterwards": """
        rate(); assured.proved(pings()[0]); ended.cutOff(); assert.match(told(), /Thank/);""",
    "thanked after it went out again": """
        rate(); assured.again(); assured.proved(pings()[1]); assert.match(told(), /Thank/);
        assert.equal(sent.filter((one) => one.type === "csat").length, 2);""",
    "not thanked without a connection": """
        connection.up = false; rate(); assert.equal(told(), "");""",
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_alice_is(scene: str) -> None:
    script = PAGE.replace("WIDGET", WIDGET.as_uri()) + scene
    command = ["node", "--experimental-default-type=module", "--input-type=module", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

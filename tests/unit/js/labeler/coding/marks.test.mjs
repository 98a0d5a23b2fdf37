import assert from "node:assert/strict";
import { test } from "node:test";
import { Marks } from "../../../../../frontend/static/js/labeler/coding/marks.js";

const make = (values) => new Marks((index) => `frame ${index} (source ${index + 1})`, values, (name) => `the key for ${name}`);

test("marks in order are accepted, also on the same frame", () => {
  const marks = make();
  assert.equal(marks.set("onset", 100), null);
  assert.equal(marks.set("offset", 150), null);
  assert.equal(marks.set("apex", 100), null);
  assert.deepEqual(marks.values, { onset: 100, apex: 100, offset: 150 });
  assert.deepEqual(marks.missing, []);
});

test("marks can be set in any sequence as long as they are in order", () => {
  const marks = make();
  assert.equal(marks.set("offset", 5), null);
  assert.equal(marks.set("apex", 3), null);
  assert.equal(marks.set("onset", 0), null);
});

test("an apex before the onset is refused, with both frames and what to do", () => {
  const marks = make({ onset: 100 });
  const refusal = marks.set("apex", 90);
  assert.equal(
    refusal,
    "The apex cannot be at frame 90 (source 91), before the onset at frame 100 (source 101). " +
      "Move the onset first, or clear it with the key for onset.",
  );
  assert.equal(marks.apex, null);
});

test("an onset after the offset is refused although there is no apex", () => {
  const marks = make({ offset: 50 });
  assert.match(marks.set("onset", 51), /The onset cannot be at frame 51 .*, after the offset at frame 50/);
  assert.equal(marks.onset, null);
});

test("the nearest conflicting mark is named", () => {
  assert.match(make({ onset: 10, apex: 20 }).set("offset", 5), /before the apex/);
});

test("frame 0 counts as a mark", () => {
  const marks = make({ offset: 0 });
  assert.match(marks.set("onset", 1), /after the offset/);
  assert.deepEqual(marks.at(0), ["offset"]);
});

test("a refused mark keeps its frame", () => {
  const marks = make({ onset: 10, apex: 20, offset: 30 });
  assert.ok(marks.set("apex", 31));
  assert.equal(marks.apex, 20);
});

test("clearing reports whether the mark was set", () => {
  const marks = make({ onset: 10 });
  assert.ok(marks.clear("onset"));
  assert.ok(!marks.clear("onset"));
  assert.deepEqual(marks.missing, ["onset", "apex", "offset"]);
});

test("the next mark is the nearest beyond the frame", () => {
  const marks = make({ onset: 10, apex: 20, offset: 30 });
  assert.equal(marks.next(10, 1), 20);
  assert.equal(marks.next(29, -1), 20);
  assert.equal(marks.next(30, 1), null);
});

test("the loop goes from onset to offset and needs both", () => {
  assert.deepEqual(make({ onset: 10, offset: 30 }).span, { first: 10, last: 30 });
  assert.equal(make({ onset: 10, apex: 20 }).span, null);
});

test("the nearest mark is moved; of two on the same frame, the one that is free to move", () => {
  const marks = make({ onset: 10, apex: 20, offset: 20 });
  assert.deepEqual([marks.nearest(9, 1), marks.nearest(16, -1), marks.nearest(16, 1), make().nearest(0, 1)], ["onset", "apex", "offset", null]);
});

import assert from "assert";
import {
  encodeVarint,
  fieldBigInt,
  fieldBigInts,
  fieldInt,
  fieldText,
  intField,
  joinBytes,
  readFields,
  sizedField,
  WireError,
} from "../../lib/onnx/protobuf.ts";

Deno.test("readFields() gives back integers of every size and sign", () => {
  const values = [0n, 1n, 127n, 128n, 2n ** 32n, 2n ** 49n, 2n ** 53n - 1n, 2n ** 63n - 1n, -1n];
  for (const value of [...values, -(2n ** 63n)]) {
    const bytes = intField(3, value);
    const [field] = readFields(bytes);
    assert.equal(field.number, 3);
    assert.equal(fieldBigInt(bytes, field), value);
  }
  const bytes = intField(1, -5);
  assert.equal(bytes.length, 11, "a negative integer takes ten bytes");
  assert.equal(fieldInt(bytes, readFields(bytes)[0]), -5);
});

Deno.test("readFields() reads packed and unpacked integers alike", () => {
  const packed = sizedField(1, [encodeVarint(300), encodeVarint(-2)]);
  assert.deepEqual(fieldBigInts(packed, readFields(packed)[0]), [300n, -2n]);
  const single = intField(1, 7);
  assert.deepEqual(fieldBigInts(single, readFields(single)[0]), [7n]);
});

Deno.test("readFields() covers the message without gaps, fields of unknown number included", () => {
  const fixed = Uint8Array.of(13 * 8 + 5, 1, 2, 3, 4);
  const bytes = joinBytes([sizedField(900, "héllo"), fixed, intField(2, 5)]);
  const fields = readFields(bytes);
  assert.deepEqual(fields.map((field) => field.number), [900, 13, 2]);
  assert.equal(fieldText(bytes, fields[0]), "héllo");
  const again = joinBytes(fields.map((field) => bytes.subarray(field.start, field.end)));
  assert.deepEqual(again, bytes);
});

Deno.test("readFields() refuses what is cut, endless or of an unknown wire type", () => {
  const whole = sizedField(7, "some text");
  for (let end = 1; end < whole.length; end++) {
    assert.throws(() => readFields(whole.subarray(0, end)), WireError, `cut at ${end}`);
  }
  assert.throws(() => readFields(new Uint8Array(20).fill(0xff)), WireError);
  assert.throws(() => readFields(Uint8Array.of(1 * 8 + 3)), /wire type 3/);
  assert.throws(() => readFields(Uint8Array.of(0, 1)), /field number 0/);
});

/** A folder of texts, as a person might have one: a part of what ships with the bundled model. */
import { join } from "node:path";

const CORPUS = new URL("../../models/demo/corpus/train.jsonl.gz", import.meta.url);

/** Writes a .txt file and a .jsonl file of some ten thousand words into `folder`. */
export async function writeTexts(folder: string): Promise<void> {
  const packed = (await Deno.open(CORPUS)).readable.pipeThrough(new DecompressionStream("gzip"));
  let lines = "";
  for await (const part of packed.pipeThrough(new TextDecoderStream())) {
    lines += part;
    if (lines.length > 300_000) break;
  }
  const texts = lines.split("\n").slice(0, -1).map((line) => JSON.parse(line).text as string);
  const half = Math.ceil(texts.length / 2);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "speeches.txt"), texts.slice(0, half).join("\n\n"));
  const rest = texts.slice(half).map((text) => JSON.stringify({ text }) + "\n").join("");
  await Deno.writeTextFile(join(folder, "more.jsonl"), rest);
}

/**
 * Writes the pages that are made from the code: `deno task docs`. Tests compare them.
 * @module
 */
import { configurationPage } from "../lib/config/docs.ts";
import { familiesPage } from "../lib/report/families_page.ts";

const folder = new URL("../docs/", import.meta.url);
const pages: Record<string, string> = {
  "configuration.md": configurationPage(),
  "families.md": familiesPage(),
};
for (const [name, text] of Object.entries(pages)) {
  await Deno.writeTextFile(new URL(name, folder), text);
}
const { success } = await new Deno.Command(Deno.execPath(), {
  args: ["fmt", "--quiet", ...Object.keys(pages).map((name) => new URL(name, folder).pathname)],
}).output();
console.log(`Wrote docs/${Object.keys(pages).join(", docs/")}`);
Deno.exit(success ? 0 : 1);

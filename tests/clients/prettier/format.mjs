// Formats the texts on standard input, a JSON list, and prints the results; null where prettier refuses one.
import { readFileSync } from "node:fs";
import { format } from "prettier";

const { options, texts } = JSON.parse(readFileSync(0, "utf8"));
const formatted = [];
for (const text of texts) {
  formatted.push(await format(text, { ...options, parser: "yaml" }).catch(() => null));
}
process.stdout.write(JSON.stringify(formatted));

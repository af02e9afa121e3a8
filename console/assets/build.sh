#!/usr/bin/env bash
# Makes console/static from this folder: the style sheet, the script and the fonts. Needs Node; what it makes is committed.
set -euo pipefail
cd "$(dirname "$0")"
[ -d node_modules ] || npm ci --silent
out=../static
mkdir -p "$out"
npx sass --no-source-map --style=compressed --load-path=node_modules --quiet-deps app.scss "$out/app.css"
npx esbuild app.js --bundle --minify --target=es2020 --outfile="$out/app.js" --log-level=warning
npx esbuild docs.js --bundle --minify --target=es2020 --outfile="$out/docs.js" --log-level=warning
cp icon.svg "$out/icon.svg"
for set in latin cyrillic cyrillic-ext; do
  for weight in 400 700; do
    cp "node_modules/@fontsource/noto-sans/files/noto-sans-$set-$weight-normal.woff2" "$out/noto-sans-$set-$weight.woff2"
  done
done
gzip -9c "$out/app.css" | wc -c | xargs echo "app.css, gzipped:"
gzip -9c "$out/app.js" | wc -c | xargs echo "app.js, gzipped:"

#!/usr/bin/env bash
# Makes the two embedded fonts from Debian's packages fonts-noto-core and fonttools.
# A letter outside these ranges is refused before a licence is drawn (CheckText in font.go).
set -euo pipefail
cd "$(dirname "$0")"
for style in Regular Bold; do
  pyftsubset "/usr/share/fonts/truetype/noto/NotoSans-$style.ttf" \
    --unicodes='U+0020-007E,U+00A0-00FF,U+0400-04FF,U+2010-2015,U+2018-201E,U+2022,U+2026,U+2030,U+2039,U+203A,U+20AC,U+20B8,U+2116' \
    --layout-features='' --no-hinting --desubroutinize --name-IDs='*' --notdef-outline \
    --output-file="NotoSans-$style.ttf"
done

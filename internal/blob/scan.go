// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	_ "image/jpeg" // the header of a picture
	_ "image/png"  // likewise
	"regexp"
)

// Types that Scan knows.
const (
	TypePDF  = "application/pdf"
	TypePNG  = "image/png"
	TypeJPEG = "image/jpeg"
)

// ErrContent: the bytes are not what they are said to be, or carry more than that.
var ErrContent = errors.New("unfit content")

func unfit(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrContent, fmt.Sprintf(format, args...))
}

// maxPixels bounds a picture before anybody decodes it: a small file can be a huge picture.
const maxPixels = 100_000_000

// Scan holds the bytes of an attachment to the type they are said to have. A
// picture has its frame, sensible sides and nothing behind its end. A PDF
// begins with its header and has no actions that can be seen without
// decompressing it (ISO 32000-1 §12.6.4: JavaScript, Launch; embedded files).
// This keeps mistakes and crude tricks out; it is no virus scanner, and what is
// kept is never run and only handed out as a file.
func Scan(kind string, content []byte) error {
	switch kind {
	case TypePDF:
		return scanPDF(content)
	case TypePNG:
		if err := scanPNG(content); err != nil {
			return err
		}
		return scanSides(content, "png")
	case TypeJPEG:
		if err := scanJPEG(content); err != nil {
			return err
		}
		return scanSides(content, "jpeg")
	}
	return unfit("%q is no type that is taken", kind)
}

var (
	pdfHeader = regexp.MustCompile(`^%PDF-[12]\.[0-9]`)
	// A name ends where a delimiter or white space begins (ISO 32000-1 §7.3.5); #xx writes any letter.
	pdfActive = regexp.MustCompile(`/(JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA)[\x00\t\n\f\r ()<>\[\]{}/%]`)
)

func scanPDF(content []byte) error {
	if !pdfHeader.Match(content) {
		return unfit("a PDF begins with %%PDF-1. or %%PDF-2.")
	}
	if found := pdfActive.FindSubmatch(unescape(content)); found != nil {
		return unfit("the PDF can do things by itself (%s); save it again without, or print it to a PDF", found[1])
	}
	return nil
}

// unescape writes #xx as the octet that it stands for.
func unescape(content []byte) []byte {
	if !bytes.ContainsRune(content, '#') {
		return content
	}
	out := make([]byte, 0, len(content))
	for i := 0; i < len(content); i++ {
		var b [1]byte
		if content[i] == '#' && i+2 < len(content) {
			if _, err := hex.Decode(b[:], content[i+1:i+3]); err == nil {
				out = append(out, b[0])
				i += 2
				continue
			}
		}
		out = append(out, content[i])
	}
	return out
}

func scanSides(content []byte, format string) error {
	c, is, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil || is != format {
		return unfit("the picture cannot be read")
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxPixels/c.Height {
		return unfit("the picture has %d × %d points; at most %d are taken", c.Width, c.Height, maxPixels)
	}
	return nil
}

var pngHead = []byte("\x89PNG\r\n\x1a\n")

// scanPNG walks the chunks: every one whole, IEND last (PNG, third edition, §5).
func scanPNG(content []byte) error {
	rest, ok := bytes.CutPrefix(content, pngHead)
	if !ok {
		return unfit("a PNG begins with its eight octets")
	}
	for len(rest) >= 12 {
		n := binary.BigEndian.Uint32(rest)
		if uint64(n)+12 > uint64(len(rest)) {
			break
		}
		body := rest[4 : 8+n]
		if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(rest[8+n:]) {
			return unfit("the PNG is damaged")
		}
		rest = rest[12+n:]
		if string(body[:4]) == "IEND" {
			if len(rest) > 0 {
				return unfit("the PNG carries something behind its end")
			}
			return nil
		}
	}
	return unfit("the PNG is cut off")
}

// scanJPEG walks the segments up to the first scan and asks for an end at the end (ITU-T T.81 §B.1).
func scanJPEG(content []byte) error {
	if len(content) < 4 || content[0] != 0xff || content[1] != 0xd8 {
		return unfit("a JPEG begins with FF D8")
	}
	rest := content[2:]
	for {
		if len(rest) < 4 || rest[0] != 0xff {
			return unfit("the JPEG is damaged")
		}
		marker, n := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		if marker == 0xda { // start of scan: picture data follow
			break
		}
		if n < 2 || n+2 > len(rest) {
			return unfit("the JPEG is cut off")
		}
		rest = rest[2+n:]
	}
	// Cameras pad with zeros.
	if !bytes.HasSuffix(bytes.TrimRight(content, "\x00"), []byte{0xff, 0xd9}) {
		return unfit("the JPEG has no end, or carries something behind it")
	}
	return nil
}

// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/hex"
	"errors"
	"io"
)

// decode undoes a stream's filters (ISO 32000-1 §7.4): FlateDecode and the two that write bytes as letters. Nothing that this
// package must look into is commonly written otherwise. budget counts decompressed bytes down.
func decode(s *stream, budget *int) ([]byte, error) {
	filters, parms := listed(s.dict["Filter"]), listed(s.dict["DecodeParms"])
	if len(filters) > 4 {
		return nil, bad("a stream with more than four filters")
	}
	data := s.raw
	for i, f := range filters {
		var err error
		switch f {
		case name("FlateDecode"):
			data, err = inflate(data, budget)
		case name("ASCII85Decode"):
			data, err = letters(data, "~>", budget, ascii85.NewDecoder)
		case name("ASCIIHexDecode"):
			data, err = letters(data, ">", budget, hex.NewDecoder)
		default:
			err = bad("filter %v is not supported here", f)
		}
		if err != nil {
			return nil, err
		}
		if i < len(parms) {
			if d, ok := parms[i].(dict); ok {
				if data, err = unpredict(data, d); err != nil {
					return nil, err
				}
			}
		}
	}
	return data, nil
}

func listed(o object) []object {
	switch o := o.(type) {
	case nil:
		return nil
	case array:
		return o
	}
	return []object{o}
}

// letters undoes ASCII85Decode or ASCIIHexDecode (§7.4.2, §7.4.3) up to the mark that ends the data.
func letters(data []byte, end string, budget *int, decoder func(io.Reader) io.Reader) ([]byte, error) {
	data, _, found := bytes.Cut(data, []byte(end))
	plain := bytes.Map(func(r rune) rune {
		if r < 128 && isSpace(byte(r)) {
			return -1
		}
		return r
	}, data)
	if end == ">" && len(plain)%2 == 1 {
		plain = append(plain, '0')
	}
	out, err := io.ReadAll(io.LimitReader(decoder(bytes.NewReader(plain)), int64(*budget)+1))
	if *budget -= len(out); err != nil || !found || *budget < 0 {
		return nil, bad("data written as letters cannot be read")
	}
	return out, nil
}

func inflate(data []byte, budget *int) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, bad("compressed data cannot be read: %v", err)
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(z, int64(*budget)+1))
	if int(n) > *budget {
		return nil, bad("compressed data grows beyond the limit")
	}
	*budget -= int(n)
	// Writers that forget the checksum are common; what was read is whole.
	if err != nil && !errors.Is(err, zlib.ErrChecksum) && !(errors.Is(err, io.ErrUnexpectedEOF) && n > 0) {
		return nil, bad("compressed data cannot be read: %v", err)
	}
	return out.Bytes(), nil
}

// unpredict undoes a PNG predictor (§7.4.4.4).
func unpredict(data []byte, d dict) ([]byte, error) {
	get := func(k name, def int) int {
		if v, ok := d[k].(int64); ok && v > 0 && v < 1<<16 {
			return int(v)
		}
		return def
	}
	predictor := get("Predictor", 1)
	if predictor == 1 {
		return data, nil
	}
	if predictor < 10 {
		return nil, bad("predictor %d is not supported here", predictor)
	}
	bits := get("Colors", 1) * get("BitsPerComponent", 8)
	bpp := max(1, (bits+7)/8)
	width := (get("Columns", 1)*bits + 7) / 8
	if width <= 0 || len(data)%(width+1) != 0 {
		return nil, bad("predicted data of a wrong size")
	}
	out := make([]byte, 0, len(data)/(width+1)*width)
	above := make([]byte, width)
	for ; len(data) > 0; data = data[width+1:] {
		row := bytes.Clone(data[1 : width+1])
		for i := range row {
			var left, up, corner byte
			up = above[i]
			if i >= bpp {
				left, corner = row[i-bpp], above[i-bpp]
			}
			switch data[0] {
			case 0:
			case 1:
				row[i] += left
			case 2:
				row[i] += up
			case 3:
				row[i] += byte((int(left) + int(up)) / 2)
			case 4:
				row[i] += paeth(left, up, corner)
			default:
				return nil, bad("an unknown predictor row")
			}
		}
		out = append(out, row...)
		above = row
	}
	return out, nil
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	pa, pb, pc := abs(p-int(a)), abs(p-int(b)), abs(p-int(c))
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
)

// padding stands for a password that is not there (ISO 32000-1 §7.6.3.3, algorithm 2).
var padding = []byte("\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A")

type method uint8

const (
	methodNone method = iota
	methodRC4
	methodAES128
	methodAES256
)

// crypt undoes the standard security handler with an empty user password (ISO 32000-1 §7.6, ISO 32000-2 §7.6.4), so that
// what everybody can read can be judged. The password hides nothing here: it only forbids.
type crypt struct {
	key              []byte
	strings, streams method
	metadata         bool // metadata streams are encrypted as well
	object           int  // number of the encryption dictionary, which is not; 0 where it is direct
	left             int  // bytes that may still be decrypted
}

func notOpened(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrEncrypted}, a...)...)
}

// unlock finds the key of the file; nil where it is not encrypted.
func (x *xrefReader) unlock(sections []*section) (*crypt, error) {
	o := sections[0].trailer["Encrypt"]
	for _, s := range sections {
		if !same(o, s.trailer["Encrypt"]) {
			return nil, notOpened("not all of its revisions say how")
		}
	}
	if o == nil {
		return nil, nil
	}
	c := &crypt{metadata: true, left: 2*len(x.data) + 1<<20}
	if r, ok := o.(ref); ok {
		c.object = r.num
		o = nil
		for _, s := range sections {
			e, ok := s.entries[r.num]
			if !ok {
				continue
			}
			if o != nil || e.kind != entryOffset || e.at >= len(x.data) {
				return nil, notOpened("it cannot be told how")
			}
			p := &parser{src: x.data, pos: e.at, depth: x.lim.Depth, inFile: true, meter: x.meter}
			id, v, err := indirect(p, nil)
			if err != nil || id.num != r.num || p.doubled {
				return nil, notOpened("it cannot be told how")
			}
			o = v
		}
	}
	d, ok := o.(dict)
	if !ok || d["Filter"] != name("Standard") {
		return nil, notOpened("only the standard handler is read")
	}
	id, _ := sections[0].trailer["ID"].(array)
	first, _ := first(id).(text)
	if err := c.read(d, first.value); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *crypt) read(d dict, id []byte) error {
	integer := func(k name, def int64) int64 {
		if n, ok := d[k].(int64); ok {
			return n
		}
		return def
	}
	version, revision, bits := integer("V", 0), integer("R", 0), integer("Length", 40)
	if m, ok := d["EncryptMetadata"].(bool); ok {
		c.metadata = m
	}
	switch version {
	case 1:
		bits = 40
		fallthrough
	case 2:
		c.strings, c.streams = methodRC4, methodRC4
	case 4, 5:
		var ok1, ok2 bool
		c.strings, ok1 = filterMethod(d, "StrF")
		c.streams, ok2 = filterMethod(d, "StmF")
		if !ok1 || !ok2 {
			return notOpened("a crypt filter is not known")
		}
		if version == 4 {
			bits = 128
		}
	default:
		return notOpened("version %d of the standard handler is not read", version)
	}
	if bits < 40 || bits > 256 || bits%8 != 0 || revision < 2 || revision > 6 {
		return notOpened("revision %d with keys of %d bits is not read", revision, bits)
	}
	o, _ := d["O"].(text)
	u, _ := d["U"].(text)
	if revision >= 5 {
		ue, _ := d["UE"].(text)
		return c.modern(int(revision), u.value, ue.value)
	}
	if bits > 128 || len(o.value) < 32 || len(u.value) < 32 {
		return notOpened("its dictionary is broken")
	}
	h := md5.New()
	h.Write(padding)
	h.Write(o.value[:32])
	h.Write(binary.LittleEndian.AppendUint32(nil, uint32(integer("P", 0))))
	h.Write(id)
	if revision >= 4 && !c.metadata {
		h.Write([]byte{0xff, 0xff, 0xff, 0xff})
	}
	key, n := h.Sum(nil), int(bits/8)
	if revision == 2 {
		n = 5
	} else {
		for range 50 {
			k := md5.Sum(key[:n])
			key = k[:]
		}
	}
	c.key = key[:n]
	// Algorithms 4 and 5: what the user's entry must be.
	want, m := padding, 32
	if revision >= 3 {
		sum := md5.Sum(append(bytes.Clone(padding), id...))
		want, m = sum[:], 16
	}
	got := rc4Once(c.key, want)
	if revision >= 3 {
		for i := byte(1); i < 20; i++ {
			k := bytes.Clone(c.key)
			for j := range k {
				k[j] ^= i
			}
			got = rc4Once(k, got)
		}
	}
	if !bytes.Equal(got[:m], u.value[:m]) {
		return notOpened("it opens only with a password")
	}
	return nil
}

func filterMethod(d dict, k name) (method, bool) {
	n, ok := d[k].(name)
	if !ok || n == "Identity" {
		return methodNone, true
	}
	all, _ := d["CF"].(dict)
	one, _ := all[n].(dict)
	switch one["CFM"] {
	case name("None"):
		return methodNone, true
	case name("V2"):
		return methodRC4, true
	case name("AESV2"):
		return methodAES128, true
	case name("AESV3"):
		return methodAES256, true
	}
	return methodNone, false
}

// modern is algorithm 2.A of ISO 32000-2 §7.6.4.3.3 for the user's empty password.
func (c *crypt) modern(revision int, u, ue []byte) error {
	if len(u) < 48 || len(ue) < 32 {
		return notOpened("its dictionary is broken")
	}
	hash := func(salt []byte) []byte {
		sum := sha256.Sum256(salt)
		if revision == 5 {
			return sum[:]
		}
		return hardened(sum[:])
	}
	if !bytes.Equal(hash(u[32:40]), u[:32]) {
		return notOpened("it opens only with a password")
	}
	block, err := aes.NewCipher(hash(u[40:48]))
	if err != nil {
		return notOpened("its dictionary is broken")
	}
	c.key = make([]byte, 32)
	cipher.NewCBCDecrypter(block, make([]byte, 16)).CryptBlocks(c.key, ue[:32])
	return nil
}

// hardened is algorithm 2.B of ISO 32000-2 §7.6.4.3.4 for an empty password.
func hardened(k []byte) []byte {
	for i := 0; ; i++ {
		e := bytes.Repeat(k, 64)
		block, err := aes.NewCipher(k[:16])
		if err != nil {
			return nil
		}
		cipher.NewCBCEncrypter(block, k[16:32]).CryptBlocks(e, e)
		sum := 0
		for _, b := range e[:16] {
			sum += int(b)
		}
		switch sum % 3 { // 256 is 1 modulo 3, so the number and its digits' sum leave the same rest
		case 0:
			s := sha256.Sum256(e)
			k = s[:]
		case 1:
			s := sha512.Sum384(e)
			k = s[:]
		default:
			s := sha512.Sum512(e)
			k = s[:]
		}
		if i >= 63 && int(e[len(e)-1]) <= i+1-32 {
			return k[:32]
		}
	}
}

func rc4Once(key, data []byte) []byte {
	out := make([]byte, len(data))
	if c, err := rc4.NewCipher(key); err == nil {
		c.XORKeyStream(out, data)
	}
	return out
}

// undo decrypts one string or stream of an object (algorithms 1 and 1.A).
func (c *crypt) undo(id ref, m method, data []byte) ([]byte, error) {
	if m == methodNone {
		return data, nil
	}
	if c.left -= len(data); c.left < 0 {
		return nil, bad("objects overlap: decrypting them takes more work than a file of this size can need")
	}
	key := c.key
	if m != methodAES256 {
		k := append(bytes.Clone(key), byte(id.num), byte(id.num>>8), byte(id.num>>16), byte(id.gen), byte(id.gen>>8))
		if m == methodAES128 {
			k = append(k, "sAlT"...)
		}
		sum := md5.Sum(k)
		key = sum[:min(len(c.key)+5, 16)]
	}
	if m == methodRC4 {
		return rc4Once(key, data), nil
	}
	if len(data) == 0 {
		return data, nil
	}
	if len(data) < 32 || len(data)%16 != 0 {
		return nil, bad("encrypted data of a wrong size in object %d", id.num)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, bad("a key of a wrong size")
	}
	out := make([]byte, len(data)-16)
	cipher.NewCBCDecrypter(block, data[:16]).CryptBlocks(out, data[16:])
	pad := int(out[len(out)-1])
	if pad < 1 || pad > 16 {
		return nil, bad("encrypted data with a wrong padding in object %d", id.num)
	}
	return out[:len(out)-pad], nil
}

// open decrypts all strings of an object and its stream.
func (c *crypt) open(id ref, o object) (object, error) {
	switch o := o.(type) {
	case text:
		v, err := c.undo(id, c.strings, o.value)
		o.value = v
		return o, err
	case array:
		for i, e := range o {
			v, err := c.open(id, e)
			if err != nil {
				return nil, err
			}
			o[i] = v
		}
	case dict:
		for k, e := range o {
			if k == "Contents" && o["ByteRange"] != nil {
				continue // a signature stands there as it is (ISO 32000-1 §7.6.1)
			}
			v, err := c.open(id, e)
			if err != nil {
				return nil, err
			}
			o[k] = v
		}
	case *stream:
		if o.dict["Type"] == name("XRef") {
			return o, nil
		}
		if _, err := c.open(id, o.dict); err != nil {
			return nil, err
		}
		if o.dict["Type"] == name("Metadata") && !c.metadata {
			return o, nil
		}
		v, err := c.undo(id, c.streams, o.raw)
		if err != nil {
			return nil, err
		}
		o.raw = v
	}
	return o, nil
}

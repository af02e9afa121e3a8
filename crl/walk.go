// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"bytes"
	"math/bits"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

const (
	// maxElement bounds one entry, and one field before the entries, in octets.
	maxElement = 64 << 10
	// maxTail bounds what follows the entries: extensions, algorithm, signature.
	maxTail = 1 << 20
)

// feed is the list as far as it has come in: a window that moves on.
type feed struct {
	b    []byte
	p    int   // b[p] is next
	base int64 // where b begins in the list
	// more makes the window longer: the octets from p on stay in it, those before go. False at the end.
	more func() bool
}

func (f *feed) at() int64 { return f.base + int64(f.p) }

// fill waits until n octets, at most maxElement, are in the window; false where the list ends before.
func (f *feed) fill(n int) bool {
	for len(f.b)-f.p < n {
		if f.more == nil || !f.more() {
			return false
		}
	}
	return true
}

// header reads the tag and length at hand without taking them; whole counts them in.
func (f *feed) header() (tag byte, head int, whole int64, ok bool) {
	if !f.fill(2) {
		return 0, 0, 0, false
	}
	head = 2
	if n := f.b[f.p+1]; n >= 0x80 {
		head += int(n & 0x7f)
	}
	if head > maxHeader || !f.fill(head) {
		return 0, 0, 0, false
	}
	n, ok := length(f.b[f.p+1 : f.p+head])
	return f.b[f.p], head, int64(head) + n, ok
}

// length reads the length octets of an element; false for lengths that are indefinite, not minimal or over four octets.
func length(b []byte) (int64, bool) {
	if b[0] < 0x80 {
		return int64(b[0]), true
	}
	b = b[1:]
	n := uint64(0)
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	if len(b) == 0 || n < 0x80 || bits.Len64(n) <= 8*(len(b)-1) { // X.690 §10.1
		return 0, false
	}
	return int64(n), true
}

// take copies the next n octets, however far they reach.
func (f *feed) take(n int) ([]byte, bool) {
	out := make([]byte, 0, n)
	for len(out) < n {
		if !f.fill(1) {
			return nil, false
		}
		part := f.b[f.p:min(len(f.b), f.p+n-len(out))]
		out = append(out, part...)
		f.p += len(part)
	}
	return out, true
}

// signed is where the octets that are signed begin and end, and by which algorithm.
type signed struct {
	from, to  int64
	algorithm pki.Algorithm
}

// walker reads a list once, from its first octet to its last.
type walker struct {
	feed
	l     *List
	lim   Limits
	build *builder

	issuer  uint32 // whose serials the entries are at this point
	changes int

	// begun is told what is signed as soon as that is known, before the entries.
	begun func(signed)
}

// walk reads the whole CertificateList (RFC 5280 §5.1).
func (w *walker) walk() error {
	tag, head, whole, ok := w.header()
	if !ok || tag != 0x30 {
		return malformed("CertificateList")
	}
	if whole > w.lim.Bytes {
		return tooLarge("%d bytes, %d allowed", whole, w.lim.Bytes)
	}
	end := whole
	w.p += head
	from := w.at()
	tag, head, whole, ok = w.header()
	to := from + whole
	if !ok || tag != 0x30 || to > end {
		return malformed("tbsCertList")
	}
	w.p += head
	if err := w.beginning(to); err != nil {
		return err
	}
	w.begun(signed{from, to, w.l.InnerAlgorithm})
	entries := int64(0)
	if w.at() < to {
		tag, head, whole, ok = w.header()
		switch {
		case !ok || w.at()+whole > to:
			return malformed("tbsCertList")
		case tag == 0x30 && whole == int64(head):
			// RFC 5280 §5.1.2.6: "When there are no revoked certificates, the revoked certificates list MUST be absent."
			return malformed("revokedCertificates")
		case tag == 0x30:
			entries = whole - int64(head)
			w.p += head
		}
	}
	var err error
	if w.build, err = newBuilder(entries); err != nil {
		return err
	}
	if err := w.entries(w.at() + entries); err != nil {
		return err
	}
	if to-w.at() > maxTail || end-to > maxTail {
		return tooLarge("more than %d bytes after the entries", maxTail)
	}
	w.l.tail, ok = w.take(int(to - w.at()))
	if !ok {
		return malformed("cut within the extensions")
	}
	if w.l.signature, ok = w.take(int(end - to)); !ok {
		return malformed("cut within the signature")
	}
	if w.fill(1) {
		return malformed("bytes after the list")
	}
	if err := w.l.readTail(); err != nil {
		return err
	}
	w.l.Size = end
	return nil
}

// beginning gathers the fields before the entries and reads them.
func (w *walker) beginning(to int64) error {
	var head []byte
	for n := 0; n < 6 && w.at() < to; n++ {
		tag, _, whole, ok := w.header()
		if !ok || w.at()+whole > to {
			return malformed("tbsCertList")
		}
		// version?, signature, issuer, thisUpdate, nextUpdate?
		if n == 0 && tag != 0x02 {
			n++
		}
		if n == 4 && tag != 0x17 && tag != 0x18 || n == 5 {
			break
		}
		if whole > maxElement {
			return tooLarge("a field of %d bytes before the entries", whole)
		}
		field, ok := w.take(int(whole))
		if !ok {
			return malformed("cut before the entries")
		}
		head = append(head, field...)
	}
	w.l.head = head
	return w.l.readHead()
}

// raw is one entry as it lies in the list.
type raw struct {
	serial     []byte // contents of the INTEGER
	seconds    int64
	extensions []byte // the whole SEQUENCE, nil where absent
}

// element is the header of one DER element at p in b: its tag, where the contents start and where they end.
func element(b []byte, p int) (tag byte, start, end int, ok bool) {
	if p+2 > len(b) {
		return 0, 0, 0, false
	}
	start = p + 2
	if n := int(b[p+1]); n >= 0x80 {
		if start += n & 0x7f; start > p+6 || start > len(b) {
			return 0, 0, 0, false
		}
	}
	n, ok := length(b[p+1 : start])
	if !ok || n > int64(len(b)-start) {
		return 0, 0, 0, false
	}
	return b[p], start, start + int(n), true
}

// readEntry reads one whole entry.
func readEntry(b []byte) (e raw, ok bool) {
	tag, start, end, ok := element(b, 0)
	if !ok || tag != 0x30 || end != len(b) {
		return raw{}, false
	}
	tag, s, end, ok := element(b, start)
	if !ok || tag != 0x02 || s == end || end-s > maxSerial {
		return raw{}, false
	}
	e.serial = b[s:end]
	if len(e.serial) > 1 && (e.serial[0] == 0 && e.serial[1] < 0x80 || e.serial[0] == 0xff && e.serial[1] >= 0x80) {
		return raw{}, false // X.690 §8.3.2: nine equal bits in front; one number must have one form, or lookups miss it
	}
	tag, s, end, ok = element(b, end)
	if !ok {
		return raw{}, false
	}
	if e.seconds, ok = readDate(tag, b[s:end]); !ok {
		return raw{}, false
	}
	if end < len(b) {
		e.extensions = b[end:]
	}
	return e, true
}

// reasonOnly is what nearly every entry's extensions look like: a reason code and nothing else. Its last octet is the code.
var reasonOnly = [13]byte{0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01}

// common reads an entry of the usual form at the head of b: a serial of up to 20 octets, UTCTime, and no extension but a
// reason. next is 0 where the entry is of another form, or not all in b.
func common(b []byte, v2 bool) (serial narrowKey, date uint32, reason byte, next int) {
	if len(b) < 2+2+narrowSerial+15+len(reasonOnly)+1 || b[0] != 0x30 || b[2] != 0x02 {
		return narrowKey{}, 0, 0, 0
	}
	whole, n := 2+int(b[1]), int(b[3])
	rest := whole - (4 + n + 15)
	if n < 1 || n > narrowSerial || rest != 0 && rest != len(reasonOnly)+1 {
		return narrowKey{}, 0, 0, 0
	}
	octets := b[4:]
	if n > 1 && (octets[0] == 0 && octets[1] < 0x80 || octets[0] == 0xff && octets[1] >= 0x80) {
		return narrowKey{}, 0, 0, 0
	}
	if n == narrowSerial {
		serial = narrowKeyAt(octets)
	} else {
		serial = shortKey(octets[:n])
	}
	when := b[4+n:]
	if when[0] != 0x17 || when[1] != 13 {
		return narrowKey{}, 0, 0, 0
	}
	date, ok := readUTC(when[2:15])
	if !ok {
		return narrowKey{}, 0, 0, 0
	}
	reason = noReason
	if rest != 0 {
		extension := when[15 : 15+14]
		if !v2 || [13]byte(extension) != reasonOnly || extension[13] >= 0x80 {
			return narrowKey{}, 0, 0, 0
		}
		reason = extension[13]
	}
	return serial, date, reason, whole
}

// shortKey makes 20 octets of fewer.
func shortKey(serial []byte) narrowKey {
	var key [narrowSerial]byte
	if serial[0] >= 0x80 {
		for i := range key {
			key[i] = 0xff
		}
	}
	copy(key[narrowSerial-len(serial):], serial)
	return narrowKeyAt(key[:])
}

// entries reads every entry once, proves its form and counts.
func (w *walker) entries(end int64) error {
	l := w.l
	v2 := l.version == 2
	for w.at() < end {
		b := w.b[w.p:]
		if left := end - w.at(); int64(len(b)) > left {
			b = b[:left]
		}
		for w.issuer == 0 {
			serial, date, reason, next := common(b, v2)
			if next == 0 {
				break
			}
			if l.Entries++; l.Entries > w.lim.Entries {
				return tooLarge("more than %d entries", w.lim.Entries)
			}
			w.build.narrow(serial, date, reason)
			b = b[next:]
			w.p += next
		}
		if w.at() == end {
			return nil
		}
		if err := w.entry(end); err != nil {
			return err
		}
	}
	return nil
}

// entry reads one entry of any form.
func (w *walker) entry(end int64) error {
	l := w.l
	_, _, whole, ok := w.header()
	if ok && whole > maxElement {
		return tooLarge("an entry of %d bytes", whole)
	}
	if !ok || w.at()+whole > end || !w.fill(int(whole)) {
		return malformed("entry %d", l.Entries+1)
	}
	e, ok := readEntry(w.b[w.p : w.p+int(whole)])
	if !ok {
		return malformed("entry %d", l.Entries+1)
	}
	reason := byte(noReason)
	if e.extensions != nil {
		if l.version == 1 { // RFC 5280 §5.1.2.6, §5.3: entry extensions are of v2
			return malformed("entry %d has extensions in a v1 list", l.Entries+1)
		}
		var err error
		if reason, err = w.readEntryExtensions(e.extensions); err != nil {
			return err
		}
	}
	if l.Entries++; l.Entries > w.lim.Entries {
		return tooLarge("more than %d entries", w.lim.Entries)
	}
	w.build.add(e.serial, w.issuer, e.seconds, reason)
	w.p += int(whole)
	return nil
}

// readEntryExtensions reads crlEntryExtensions (RFC 5280 §5.3).
func (w *walker) readEntryExtensions(der []byte) (reason byte, err error) {
	l := w.l
	s := cryptobyte.String(der)
	all, err := pki.ReadExtensions(&s)
	if err != nil || !s.Empty() {
		return 0, malformed("extensions of entry %d", l.Entries+1)
	}
	reason = noReason
	for _, e := range all {
		v := cryptobyte.String(e.Value)
		switch e.OID {
		case pki.OIDCRLReason:
			if len(v) != 3 || v[0] != 0x0a || v[1] != 1 || v[2] > 0x7f { // an ENUMERATED of one octet
				return 0, malformed("reason of entry %d", l.Entries+1)
			}
			reason = v[2]
		case pki.OIDInvalidityDate:
			// Shown by nobody yet and bears on no verdict: the revocation date decides (EN 319 102-1 §5.2.6).
		case pki.OIDCertificateIssuer:
			if err := w.changeIssuer(v); err != nil {
				return 0, err
			}
		default:
			if e.Critical {
				l.noteUnknown(e.OID)
			}
		}
	}
	return reason, nil
}

// changeIssuer notes a certificateIssuer (RFC 5280 §5.3.3): it holds for this entry and those after it.
func (w *walker) changeIssuer(v cryptobyte.String) error {
	l := w.l
	var body cryptobyte.String
	if !v.ReadASN1(&body, casn1.SEQUENCE) || !v.Empty() {
		return malformed("certificateIssuer of entry %d", l.Entries+1)
	}
	names, err := pki.ReadGeneralNames(body)
	if err != nil {
		return malformed("certificateIssuer of entry %d: %v", l.Entries+1, err)
	}
	var name pki.Name
	for _, n := range names {
		if n.Tag != pki.DirectoryName {
			continue
		}
		if !name.Empty() { // two would make the serial belong to two issuers
			return malformed("certificateIssuer of entry %d names more than one", l.Entries+1)
		}
		name = n.Dir
	}
	if name.Empty() {
		return malformed("certificateIssuer of entry %d names no directory name", l.Entries+1)
	}
	if l.issuerID == nil {
		l.issuerID = map[string]uint32{l.Issuer.CanonicalKey(): 0}
	}
	key := name.CanonicalKey()
	id, known := l.issuerID[key]
	if !known {
		if name, err = pki.ParseName(bytes.Clone(name.Raw)); err != nil { // the window moves on
			return malformed("certificateIssuer of entry %d: %v", l.Entries+1, err)
		}
		id = uint32(len(l.issuers))
		l.issuers = append(l.issuers, name)
		l.issuerID[key] = id
	}
	if id == w.issuer { // many lists repeat it at each entry
		return nil
	}
	if w.changes++; w.changes > maxRuns {
		return tooLarge("the certificate issuer changes more than %d times", maxRuns)
	}
	w.issuer = id
	return nil
}

// within is the part of a stretch of the list, beginning at base, that lies within what is signed.
func (s signed) within(b []byte, base int64) []byte {
	from, to := max(s.from-base, 0), min(s.to-base, int64(len(b)))
	if from >= to {
		return nil
	}
	return b[from:to]
}

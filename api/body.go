// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// Bounds of what is inside a body; the body's size is bounded by Options.BodyLimit.
const (
	maxDepth = 32 // of JSON
	maxParts = 16 // of multipart/form-data
	maxValue = 4 << 10
)

var (
	errTooLarge = errors.New("too large")
	errBase64   = errors.New("not base64")
)

type contentTypeError struct{ accepted []string }

func (e *contentTypeError) Error() string {
	return "this route accepts " + strings.Join(e.accepted, ", ")
}

type bodyError struct{ problem string }

func (e *bodyError) Error() string { return e.problem }

type jsonError struct{ problem string }

func (e *jsonError) Error() string { return e.problem }

const (
	typeJSON      = "application/json"
	typeMultipart = "multipart/form-data"
)

// contentType is the media type of the body, which must be one of accepted.
func contentType(c echo.Context, accepted ...string) (string, map[string]string, error) {
	if c.Request().Header.Get(echo.HeaderContentEncoding) != "" {
		return "", nil, &contentTypeError{accepted}
	}
	kind, params, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || !slices.Contains(accepted, kind) {
		return "", nil, &contentTypeError{accepted}
	}
	return kind, params, nil
}

// readBody reads the body once; a second call gives the same bytes.
func (s *server) readBody(c echo.Context) ([]byte, error) {
	if body, ok := c.Get(keyBody).([]byte); ok {
		return body, nil
	}
	r := c.Request()
	if r.ContentLength > s.limit {
		return nil, errTooLarge
	}
	if r.ContentLength < 0 || r.ContentLength > largeBody {
		select {
		case s.large <- struct{}{}:
			c.Set(keyLarge, true)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		// What a caller only announces takes no memory: at most a mebibyte at once.
		// MinRead more, or seeing the end would take as much again.
		buf.Grow(int(min(r.ContentLength, 1<<20)) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(r.Body); err != nil {
		if tooLarge(err) || r.Context().Err() != nil {
			return nil, err
		}
		return nil, &bodyError{"the body could not be read to its end"}
	}
	c.Set(keyBody, buf.Bytes())
	return buf.Bytes(), nil
}

// readJSON reads the one JSON value of an application/json body into v.
func (s *server) readJSON(c echo.Context, v any) error {
	if _, _, err := contentType(c, typeJSON); err != nil {
		return err
	}
	body, err := s.readBody(c)
	if err != nil {
		return err
	}
	return decodeJSON(body, v)
}

// decodeJSON reads strictly: UTF-8, one value, known names, each name once, a
// bounded depth. What two readers could understand differently is refused.
func decodeJSON(data []byte, v any) error {
	if !utf8.Valid(data) {
		return &jsonError{"the body is not UTF-8"}
	}
	if loneSurrogate(data) {
		return &jsonError{"a text holds half of a character: \\u escapes of surrogates come in pairs (RFC 8259 §8.2)"}
	}
	if err := checkNames(data); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return jsonProblem(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &jsonError{"something follows the JSON value"}
	}
	return nil
}

// loneSurrogate finds a \u escape of half a character, which encoding/json would turn into U+FFFD: what was signed or shown would
// then not be what was sent.
func loneSurrogate(data []byte) bool {
	for {
		i := bytes.IndexByte(data, '\\')
		if i < 0 || i+1 >= len(data) {
			return false
		}
		unit, ok := escapedUnit(data[i:])
		switch {
		case !ok:
			data = data[i+2:]
			continue
		case !utf16.IsSurrogate(unit):
		default:
			low, _ := escapedUnit(data[i+6:])
			if utf16.DecodeRune(unit, low) == utf8.RuneError {
				return true
			}
			i += 6
		}
		data = data[i+6:]
	}
}

// escapedUnit is the UTF-16 unit of a \uXXXX at the beginning.
func escapedUnit(data []byte) (rune, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	return rune(n), err == nil
}

// checkNames bounds the depth and refuses a name that stands twice in one
// object, in whatever case: encoding/json would let the last one win.
func checkNames(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var open []map[string]bool // one for each object or array being read; nil for an array
	name := false              // the next string is a name
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) && len(open) == 0 {
			return nil
		}
		if err != nil {
			return jsonProblem(err)
		}
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '{', '[':
				if len(open) == maxDepth {
					return &jsonError{fmt.Sprintf("nested deeper than %d", maxDepth)}
				}
				var names map[string]bool
				if t == '{' {
					names = map[string]bool{}
				}
				open = append(open, names)
			default:
				open = open[:len(open)-1]
			}
		case string:
			// No text of ours holds it, and a database may refuse it.
			if strings.ContainsRune(t, 0) {
				return &jsonError{"a text holds the character NUL"}
			}
			if name {
				folded := strings.ToLower(t)
				if names := open[len(open)-1]; names[folded] {
					return &jsonError{"a name stands twice in one object"}
				}
				open[len(open)-1][folded] = true
				name = false
				continue // its value follows
			}
		}
		name = len(open) > 0 && open[len(open)-1] != nil
	}
}

// jsonProblem says what is wrong without repeating values, which may be personal.
func jsonProblem(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var corrupt base64.CorruptInputError
	const unknown = "json: unknown field "
	switch {
	case errors.As(err, &corrupt):
		return errBase64
	case errors.As(err, &kind):
		return &jsonError{fmt.Sprintf("%q must not be a %s", kind.Field, strings.SplitN(kind.Value, " ", 2)[0])}
	case errors.As(err, &syntax):
		return &jsonError{fmt.Sprintf("no JSON at byte %d", syntax.Offset)}
	case strings.HasPrefix(err.Error(), unknown):
		name := strings.TrimPrefix(err.Error(), unknown)
		if len(name) > 80 {
			name = "a long one"
		}
		return &jsonError{"unknown name " + name}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &jsonError{"the JSON value is missing or ends early"}
	}
	return &jsonError{"a value does not have the expected form"}
}

// readForm reads a multipart/form-data body (RFC 7578): the files and the short
// values by name. Names that are not listed, and repeated ones, are refused.
func (s *server) readForm(c echo.Context, params map[string]string, files, values []string) (map[string][]byte, error) {
	body, err := s.readBody(c)
	if err != nil {
		return nil, err
	}
	if params["boundary"] == "" {
		return nil, &bodyError{"the Content-Type has no boundary"}
	}
	out := make(map[string][]byte)
	reader := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF { // bare: a form that is cut wraps it
			return out, nil
		}
		if err != nil {
			return nil, &bodyError{"the parts of the form cannot be told apart"}
		}
		name := part.FormName()
		file := slices.Contains(files, name)
		switch {
		case !file && !slices.Contains(values, name):
			return nil, &bodyError{"a part of the form has no or an unknown name; known are " + strings.Join(append(slices.Clone(files), values...), ", ")}
		case out[name] != nil:
			return nil, &bodyError{"the part " + name + " stands twice"}
		case len(out) == maxParts:
			return nil, &bodyError{"the form has too many parts"}
		case part.Header.Get("Content-Transfer-Encoding") != "":
			return nil, &bodyError{"Content-Transfer-Encoding is not used in forms (RFC 7578 §4.7)"}
		}
		limit := s.limit
		if !file {
			limit = maxValue
		}
		data, err := io.ReadAll(io.LimitReader(part, limit+1))
		if err != nil {
			return nil, &bodyError{"the part " + name + " ends early"}
		}
		if int64(len(data)) > limit {
			return nil, errTooLarge
		}
		if data == nil {
			data = []byte{}
		}
		out[name] = data
	}
}

// answer writes v as JSON.
func answer(c echo.Context, status int, v any) error {
	// A value that writes itself is not read and copied once more to see that it is JSON,
	// and writes where others have written before.
	if a, ok := v.(interface{ AppendJSON([]byte) ([]byte, error) }); ok {
		room := pages.Get().(*[]byte)
		defer pages.Put(room)
		body, err := a.AppendJSON((*room)[:0])
		if err != nil {
			return fmt.Errorf("writing the answer: %w", err)
		}
		if cap(body) <= maxPage {
			*room = body
		}
		return c.Blob(status, typeJSON, body)
	}
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return c.Blob(status, typeJSON, body)
}

// maxPage bounds the room that is kept for the next answer, in bytes.
const maxPage = 64 << 10

// pages are rooms for answers. A writer of HTTP keeps nothing of what it is given.
var pages = sync.Pool{New: func() any {
	room := make([]byte, 0, 12<<10)
	return &room
}}

// ok answers 200.
func ok(c echo.Context, v any) error { return answer(c, http.StatusOK, v) }

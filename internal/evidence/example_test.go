// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"rastau/internal/evidence"
	"rastau/verifier"
)

// A verdict is packed with what it rests on, and reached again from that alone.
func Example() {
	v := verifier.New(verifier.Options{Now: time.Now})
	r := v.Document(context.Background(), []byte("no signature"), verifier.Question{KeepRecord: true, Offline: true})
	var archive bytes.Buffer
	if err := evidence.Write(&archive, "note.txt", r); err != nil {
		panic(err)
	}
	f, err := evidence.Open(archive.Bytes())
	if err != nil {
		panic(err)
	}
	again := v.Document(context.Background(), f.Document, f.Question)
	fmt.Println(f.Name, again.Indication, again.SubIndication, again.Time.Value.Equal(r.Time.Value))
	// Output: note.txt TOTAL-FAILED FORMAT_FAILURE true
}

// SPDX-License-Identifier: Apache-2.0

package batch_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rastau/internal/batch"
	"rastau/verifier"
)

// A table of documents is judged, one line of JSON for each.
func Example() {
	dir, err := os.MkdirTemp("", "batch-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	source, err := batch.FromTable([]byte("name,document\nfirst,aGVsbG8=\nsecond,aGVsbG8=\n"), batch.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	v := verifier.New(verifier.Options{Now: time.Now})
	sum, err := batch.ToFile(context.Background(), source, batch.FileOptions{
		Out: filepath.Join(dir, "verdicts.jsonl"), Question: "who trusts nobody",
		Judge: func(ctx context.Context, in batch.Input) (*verifier.Report, error) {
			return v.Document(ctx, in.Document, verifier.Question{}), nil
		},
	})
	fmt.Println(sum.Files, sum.Verdicts, err)
	// Output: 2 map[TOTAL-FAILED/FORMAT_FAILURE:2] <nil>
}

// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// FileOptions of a run whose results go to a file.
type FileOptions struct {
	// Out is the file of results, one JSON object a line. Where it is there, the run goes on behind its last whole line. Required.
	Out string
	// Question tells this run's question and source from others': anything that changes whenever they do. Results of another
	// question are never continued. Required.
	Question string
	Judge    Judge                 // Required.
	Workers  int                   // Optional. If zero, half of the processors.
	Progress func(done, total int) // Optional. Called from one goroutine.
}

// Summary of a run.
type Summary struct {
	Files    int            `json:"files"`
	Before   int            `json:"before"`   // judged by an earlier run
	Verdicts map[string]int `json:"verdicts"` // of all runs, by Line.Verdict
}

var (
	errOther  = errors.New("the file holds results of another question or source; name another file, or remove it")
	errLocked = errors.New("another run is writing to this file")
)

// memory is what stands beside the file of results in Out + ".batch".
type memory struct {
	Question string `json:"question"`
}

const maxLine = 16 << 20 // bytes of one result

// syncEvery is how much of the results the death of the machine (not of the program) may cost.
const syncEvery = 2 * time.Second

// ToFile judges every file of a source and writes a line for each, in their
// order. What stands in the file already is not judged again: a run that was
// killed at any moment is continued by calling this again. When ctx ends, what
// is done so far stands and the error says so.
func ToFile(ctx context.Context, s *Source, o FileOptions) (sum *Summary, err error) {
	out, err := os.OpenFile(o.Out, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := syscall.Flock(int(out.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Out, errLocked)
	}
	sum = &Summary{Files: s.Len(), Verdicts: map[string]int{}}
	done, err := resume(out, o, sum.Verdicts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Out, err)
	}
	for i := range s.Len() {
		if done[s.Name(i)] {
			sum.Before++
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.limits.Time, fmt.Errorf("%w: it took longer than %v; the same command goes on", ErrLimit, s.limits.Time))
	defer cancel()
	written, synced := sum.Before, time.Now()
	progress := func() {
		if o.Progress != nil {
			o.Progress(written, sum.Files)
		}
	}
	progress()
	err = s.run(ctx, workersOf(o.Workers), nil, o.Judge, func(name string) bool { return done[name] }, func(l Line) error {
		if _, err := out.Write(append(l.JSON, '\n')); err != nil {
			return err
		}
		sum.Verdicts[l.Verdict]++
		written++
		progress()
		if time.Since(synced) < syncEvery {
			return nil
		}
		synced = time.Now()
		return out.Sync()
	})
	return sum, errors.Join(err, out.Sync())
}

// resume reads what an earlier run wrote, cuts off a line that it did not
// finish, and tells the names of the files that have their result.
func resume(out *os.File, o FileOptions, verdicts map[string]int) (map[string]bool, error) {
	beside := o.Out + ".batch"
	mine, err := json.Marshal(memory{o.Question})
	if err != nil {
		return nil, err
	}
	info, err := out.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		return map[string]bool{}, os.WriteFile(beside, mine, 0o600)
	}
	var before memory
	if raw, err := os.ReadFile(beside); errors.Is(err, os.ErrNotExist) {
		return nil, errOther
	} else if err != nil {
		return nil, err
	} else if json.Unmarshal(raw, &before) != nil || before.Question != o.Question {
		return nil, errOther
	}
	done := map[string]bool{}
	var end int64
	lines := bufio.NewReaderSize(out, 256<<10)
	for n := 1; ; n++ {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			break // and what stands behind the last line feed was cut off by the death of its writer
		}
		if err != nil {
			return nil, err
		}
		var l struct {
			File          string
			Error         *string
			Indication    string
			SubIndication string
		}
		if err := json.Unmarshal(line, &l); err != nil || l.File == "" || (l.Error == nil) == (l.Indication == "") {
			return nil, fmt.Errorf("line %d is no result: %w", n, errOther)
		}
		if done[l.File] {
			return nil, fmt.Errorf("line %d: %q has two results; remove one", n, l.File)
		}
		done[l.File] = true
		if l.Error != nil {
			verdicts[NoVerdict]++
		} else {
			verdicts[verdictOf(l.Indication, l.SubIndication)]++
		}
		end += int64(len(line)) + 1
	}
	if err := out.Truncate(end); err != nil {
		return nil, err
	}
	_, err = out.Seek(end, io.SeekStart)
	return done, err
}

// readLine gives a line without its line feed; io.EOF where none is left that has one.
func readLine(from *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := from.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(line, []byte("\n")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxLine:
			return nil, fmt.Errorf("a line has more than %d bytes: %w", maxLine, errOther)
		}
	}
}

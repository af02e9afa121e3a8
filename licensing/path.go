// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"slices"
	"strings"

	"rastau/internal/phrase"
)

// knownPaths are the ways in that the program has (Channel).
var knownPaths = []string{string(ChannelPortal), string(ChannelProvider), string(ChannelCentre)}

func (r *Regulation) checkPaths(src *source) {
	seen := map[string]bool{}
	for i, p := range r.Paths {
		if seen[p.Key] {
			src.problem(src.line("paths", i), "the path %q stands twice", p.Key)
		}
		seen[p.Key] = true
		r.checkPath(src, i)
	}
}

// checkPath holds one path to the rules of a table: every step is known and
// reached from the first, has its unit, leads on or ends; a condition has a way
// out for pass and for fail; a refusal ends the path and is reached by a fail.
func (r *Regulation) checkPath(src *source, i int) {
	p := r.Paths[i]
	if !slices.Contains(knownPaths, p.Key) || p.Name.EN == "" || len(p.Steps) == 0 {
		src.problem(src.line("paths", i), "a path needs one of the keys %v, a name and steps", knownPaths)
		return
	}
	if p.Diagram.EN == "" {
		src.problem(src.line("paths", i), "the path %q needs diagram, the title of its diagram", p.Key)
	}
	numbers, names := map[int]bool{}, map[string]bool{}
	for j, s := range p.Steps {
		if names[s.Process] {
			src.problem(src.line("paths", i, "steps", j, "process"), "step %d: the process %s stands on another step of this path too", s.Number, s.Process)
		}
		names[s.Process] = true
		if c := s.Condition; c != nil && names[c.Key] {
			src.problem(src.line("paths", i, "steps", j, "condition", "key"), "step %d: the condition %s stands on another step of this path too", s.Number, c.Key)
		} else if c != nil {
			names[c.Key] = true
		}
		if s.Number < 1 || numbers[s.Number] {
			src.problem(src.line("paths", i, "steps", j), "step numbers must be above zero and stand once; %d does not", s.Number)
		}
		numbers[s.Number] = true
	}
	for j, s := range p.Steps {
		r.checkStep(src, i, j, s, numbers)
	}
	reached := map[int]bool{}
	p.reach(p.Steps[0].Number, reached)
	for j, s := range p.Steps {
		if !reached[s.Number] {
			what := ""
			if s.Refusal != "" {
				what = ", so that its refusal is unreachable"
			}
			src.problem(src.line("paths", i, "steps", j), "no way leads from step %d to step %d%s", p.Steps[0].Number, s.Number, what)
		}
	}
}

func (p Path) reach(number int, reached map[int]bool) {
	if reached[number] {
		return
	}
	reached[number] = true
	for _, n := range p.step(number).Next {
		p.reach(n.To, reached)
	}
}

func (r *Regulation) checkStep(src *source, i, j int, s Step, numbers map[int]bool) {
	line := src.line("paths", i, "steps", j)
	if !r.hasUnit(s.Unit) {
		src.problem(src.line("paths", i, "steps", j, "unit"), "step %d: there is no unit %q", s.Number, s.Unit)
	}
	if s.Process == "" || s.Req == "" || s.Action == (phrase.Text{}) || s.Completion == (phrase.Text{}) {
		src.problem(line, "step %d needs process, requirement, action and completion", s.Number)
	}
	if s.Short == (phrase.Text{}) {
		src.problem(line, "step %d needs short, its words in the diagram", s.Number)
	}
	if ends := len(s.Next) == 0; ends != (s.Tells != "") || ends && !r.hasUnit(s.Tells) {
		src.problem(line, "step %d: tells names the unit that hears the end, on a step that leads no further", s.Number)
	}
	if !isRequirement(s.Req) {
		src.problem(src.line("paths", i, "steps", j, "requirement"), "step %d: %q is not a requirement, such as R031", s.Number, s.Req)
	}
	if n := len(s.Time.Seconds); n > 2 || n > 0 && (s.Time.Seconds[0] <= 0 || s.Time.Seconds[n-1] < s.Time.Seconds[0] || s.Time.WorkingDays != 0) || s.Time.WorkingDays < 0 {
		src.problem(src.line("paths", i, "steps", j, "time"), "step %d: time is seconds (one, or from and to) or working days", s.Number)
	}
	for k, n := range s.Next {
		at := src.line("paths", i, "steps", j, "next", k)
		if !numbers[n.To] {
			src.problem(at, "step %d leads to step %d, which does not exist", s.Number, n.To)
		}
		if slices.IndexFunc(s.Next, func(o Next) bool { return o.When == n.When }) != k {
			src.problem(at, "step %d leads on twice in the same case", s.Number)
		}
		if n.To <= s.Number {
			src.problem(at, "step %d leads back to step %d: a path only leads on", s.Number, n.To)
		}
		if n.When != "" && n.When != whenPass && n.When != whenFail || (n.When != "") != (s.Condition != nil) {
			src.problem(at, "step %d: when is pass or fail, and stands where the step has a condition", s.Number)
		}
		if to := r.Paths[i].step(n.To); to.Refusal != "" && n.When != whenFail {
			src.problem(at, "step %d leads to the refusal in step %d without a condition that failed", s.Number, n.To)
		}
	}
	if c := s.Condition; c != nil {
		at := src.line("paths", i, "steps", j, "condition")
		if !slices.Contains(knownChecks, c.Check) || c.Key == "" || !isRequirement(c.Req) || !r.hasUnit(c.Unit) || c.Text.EN == "" || c.Short.EN == "" {
			src.problem(at, "step %d: a condition needs key, requirement, a known unit, text, short and one of the checks %v", s.Number, knownChecks)
		}
		if !s.leads(whenPass) || !s.leads(whenFail) {
			src.problem(at, "step %d: the condition needs a next step for pass and one for fail", s.Number)
		}
		for _, n := range s.Next {
			if n.When == whenFail && r.Paths[i].step(n.To).Refusal == "" {
				src.problem(at, "step %d: where the condition fails, step %d must be a refusal", s.Number, n.To)
			}
			if code := r.Paths[i].step(n.To).Refusal; n.When == whenFail && code != "" && !r.refuses(code, c.Check, r.Paths[i].Key) {
				src.problem(at, "step %d: the list of refusals has no %s for %s on this path", s.Number, code, c.Check)
			}
		}
	}
	switch {
	case s.Refusal != "" && !isRefusal(s.Refusal):
		src.problem(src.line("paths", i, "steps", j, "refusal"), "step %d: %q is not one of M1 to M6", s.Number, s.Refusal)
	case s.Refusal != "" && len(s.Next) > 0:
		src.problem(line, "step %d is a refusal and must not lead on", s.Number)
	case s.Refusal == "" && len(s.Next) == 0 && s.Number != r.Paths[i].last():
		src.problem(line, "step %d is a dead end: it neither leads on nor refuses, and is not the last", s.Number)
	}
}

func (s Step) leads(when string) bool {
	return slices.ContainsFunc(s.Next, func(n Next) bool { return n.When == when })
}

// last is the highest step number: the step that hands over the result.
func (p Path) last() int {
	last := 0
	for _, s := range p.Steps {
		last = max(last, s.Number)
	}
	return last
}

func (r *Regulation) hasUnit(key string) bool {
	return slices.ContainsFunc(r.Units, func(u Unit) bool { return u.Key == key })
}

func isRefusal(code string) bool {
	return len(code) == 2 && code[0] == 'M' && code[1] >= '1' && code[1] <= '6'
}

// refuses reports whether the closed list has the message for a check on a path.
func (r *Regulation) refuses(code, check, path string) bool {
	return slices.ContainsFunc(r.Refusals, func(m Refusal) bool {
		return m.Code == code && m.Check == check && (len(m.Paths) == 0 || slices.Contains(m.Paths, path))
	})
}

// isRequirement knows R001 … R153 by their form; the table in docs/ knows them by name.
func isRequirement(s string) bool {
	return len(s) == 4 && s[0] == 'R' && strings.Trim(s[1:], "0123456789") == ""
}

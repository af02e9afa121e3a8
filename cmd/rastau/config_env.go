// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// envPrefix begins the variables that stand above the file: RASTAU_CONFIG_LISTEN is listen, RASTAU_CONFIG_LISTS_KEYFILE is lists.keyFile.
const envPrefix = "RASTAU_CONFIG_"

// applyEnvironment sets the keys that the environment gives. Lists are separated by commas. An unknown variable of this prefix is a
// mistake, not a wish.
func (c *Config) applyEnvironment(environment []string) error {
	known := map[string]reflect.Value{}
	scalars(reflect.ValueOf(c).Elem(), "", known)
	byVariable := map[string]string{}
	for key := range known {
		byVariable[envPrefix+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))] = key
	}
	var all []error
	for _, entry := range slices.Sorted(slices.Values(environment)) {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		key, ok := byVariable[name]
		if !ok {
			all = append(all, fmt.Errorf("  environment: unknown variable %s%s", name, didYouMean(name, slices.Collect(maps.Keys(byVariable)))))
			continue
		}
		if err := setScalar(known[key], value); err != nil {
			all = append(all, fmt.Errorf("  environment: %s (%s): %w", name, key, err))
		}
	}
	return errors.Join(all...)
}

// scalars collects what one variable can say, by its path in the file.
func scalars(v reflect.Value, under string, into map[string]reflect.Value) {
	for i := range v.NumField() {
		name := yamlName(v.Type().Field(i))
		if name == "" {
			continue
		}
		field, path := v.Field(i), under+name
		switch {
		case field.Kind() == reflect.Struct:
			scalars(field, path+".", into)
		case field.Kind() == reflect.String, field.Kind() == reflect.Bool, field.Kind() == reflect.Int, field.Kind() == reflect.Int64, field.Kind() == reflect.Float64,
			field.Type() == reflect.TypeFor[[]string]():
			into[path] = field
		}
	}
}

func setScalar(field reflect.Value, value string) error {
	switch {
	case field.Type() == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(value)
		if err != nil {
			return errors.New("is no duration; write it like 168h")
		}
		field.SetInt(int64(d))
	case field.Kind() == reflect.String:
		field.SetString(value)
	case field.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return errors.New("must be true or false")
		}
		field.SetBool(b)
	case field.Kind() == reflect.Float64:
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return errors.New("is no number")
		}
		field.SetFloat(f)
	case field.Kind() == reflect.Slice:
		list := []string{}
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		field.Set(reflect.ValueOf(list))
	default:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return errors.New("is no whole number")
		}
		field.SetInt(n)
	}
	return nil
}

var unknownKey = regexp.MustCompile(`^line (\d+): field (\S+) not found in type (\S+)$`)

// keyMistake says what the YAML library found, in the words of this file's reader.
func keyMistake(text string) string {
	m := unknownKey.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	return fmt.Sprintf("line %s: unknown key %q%s", m[1], m[2], didYouMean(m[2], keysOf(reflect.TypeFor[Config](), m[3])))
}

// keysOf are the keys of the type that the library names, wherever it stands below from.
func keysOf(from reflect.Type, name string) []string {
	for from.Kind() == reflect.Slice || from.Kind() == reflect.Pointer || from.Kind() == reflect.Map {
		from = from.Elem()
	}
	if from.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for i := range from.NumField() {
		if key := yamlName(from.Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	if from.String() == name {
		return keys
	}
	for i := range from.NumField() {
		if yamlName(from.Field(i)) != "" {
			if below := keysOf(from.Field(i).Type, name); below != nil {
				return below
			}
		}
	}
	return nil
}

// didYouMean names the nearest of the known ones, where one is near.
func didYouMean(given string, known []string) string {
	slices.Sort(known)
	best, least := "", len(given)/2+1
	for _, k := range known {
		if d := distance(strings.ToLower(given), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return "; docs/CONFIG.md lists the known ones"
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// distance is how many letters have to be added, left out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := before
			if a[i-1] != b[j-1] {
				change++
			}
			before, row[j] = row[j], min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

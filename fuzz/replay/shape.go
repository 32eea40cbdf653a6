package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// checkShape reports where JSON text is not exactly of the shape of a type:
// an object must have the fields of its struct, spelt as in their tags, except
// those tagged omitempty, each once, and no others; null is for pointers only. The
// values themselves are left to json.Unmarshal.
func checkShape(text []byte, shape reflect.Type, where string) error {
	if bytes.Equal(bytes.TrimSpace(text), []byte("null")) {
		if shape.Kind() == reflect.Pointer {
			return nil
		}
		return fmt.Errorf("%s is null", where)
	}
	if reflect.PointerTo(shape).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	switch shape.Kind() {
	case reflect.Struct:
		return checkObject(text, shape, where)
	case reflect.Slice:
		return checkArray(text, shape, where)
	}
	return nil
}

func checkObject(text []byte, shape reflect.Type, where string) error {
	values, err := fieldsOf(text)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	for i := range shape.NumField() {
		name, options, _ := strings.Cut(shape.Field(i).Tag.Get("json"), ",")
		value, ok := values[name]
		delete(values, name)
		if !ok && options == "omitempty" {
			continue
		}
		if !ok {
			return fmt.Errorf("%s has no field %q", where, name)
		}
		if err := checkShape(value, shape.Field(i).Type, where+"."+name); err != nil {
			return err
		}
	}
	if len(values) > 0 {
		return fmt.Errorf("%s: unknown field %q", where, slices.Min(slices.Collect(maps.Keys(values))))
	}
	return nil
}

// fieldsOf reads an object. One that has a field twice would be read as its last
// one, or as both in one.
func fieldsOf(text []byte) (map[string]json.RawMessage, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(values))
	decoder := json.NewDecoder(bytes.NewReader(text))
	for _, err := decoder.Token(); err == nil && decoder.More(); {
		name, _ := decoder.Token() // it is a valid object
		if seen[name.(string)] {
			return nil, fmt.Errorf("it has two fields %q", name)
		}
		seen[name.(string)] = true
		var value json.RawMessage
		err = decoder.Decode(&value)
	}
	return values, nil
}

func checkArray(text []byte, shape reflect.Type, where string) error {
	var values []json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	for i, value := range values {
		if err := checkShape(value, shape.Elem(), fmt.Sprintf("%s[%d]", where, i)); err != nil {
			return err
		}
	}
	return nil
}

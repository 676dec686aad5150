package field

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFilterEveryKind compares the rows with values of every kind.
func TestFilterEveryKind(t *testing.T) {
	src := build(t, rowType(), Options{})
	for expr, want := range map[string]string{
		"int<0": "bd", "int>=-5": "abc", "int == 5": "a", "int!=0x5": "bcd", "int=-0b101": "b",
		"uint>7": "a", "uint<=7": "bcd", "uint == 0o7": "bc", "uint==18446744073709551615": "",
		"float>0.4": "ac", "float<=-2.5": "b", "float == 1e9": "c", "float!=0": "abc",
		"bool==true": "ac", "bool!=true": "bd", "bool = F": "bd", "bool==0": "bd",
		"letter>b": "cd", "letter<=b": "ab", "letter~[ad]": "ad", "letter!~[ad]": "bc", "letter==": "",
		"error==ENOENT": "a", "error==": "c", "error!~^E": "c", "error_raw==13": "b",
		"uint==7,bool==false": "b", "int>0,int<0": "", " int >0 , uint> 0": "a",
	} {
		match, err := Filter(src, []string{expr})
		if err != nil {
			t.Errorf("filter %q: %v", expr, err)
			continue
		}
		got := ""
		for _, s := range rows(t) {
			if match(s) {
				got += string(s[0])
			}
		}
		if got != want {
			t.Errorf("filter %q lets %q through, want %q", expr, got, want)
		}
	}
}

// TestFiltersTogether need all of several filters to hold.
func TestFiltersTogether(t *testing.T) {
	src := build(t, rowType(), Options{})
	match, err := Filter(src, []string{"bool==true", "", "int>0, "})
	if err != nil {
		t.Fatal(err)
	}
	var got []bool
	for _, s := range rows(t) {
		got = append(got, match(s))
	}
	if d := cmp.Diff([]bool{true, false, false, false}, got); d != "" {
		t.Errorf("which rows pass (-want +got):\n%s", d)
	}
	if match, err := Filter(src, []string{"", " , "}); match != nil || err != nil {
		t.Errorf("filters without expressions: got a test, or %v", err)
	}
}

// TestFilterRefuses holds what the errors of wrong expressions report.
func TestFilterRefuses(t *testing.T) {
	src := build(t, rowType(), Options{})
	const form = "want a field, an operator (== != >= > <= < ~ !~) and a value"
	for expr, want := range map[string]string{
		"int":               form,
		"==1":               form,
		"lettre==a":         `data source "x" has no field "lettre", did you mean "letter"?`,
		"nothing==a":        `data source "x" has no field "nothing", known are bool, error, error_raw, float, int, letter, uint`,
		"int!5":             "unknown operator, use == != >= > <= < ~ !~",
		"int==five":         `"five" is not a whole number from -2^63 to 2^63-1`,
		"int==1.5":          `"1.5" is not a whole number from -2^63 to 2^63-1`,
		"int==1e30":         `"1e30" is not a whole number from -2^63 to 2^63-1`,
		"uint==-1":          `"-1" is not a whole number from 0 to 2^64-1`,
		"uint>=":            `"" is not a whole number from 0 to 2^64-1`,
		"float==many":       `"many" is not a number`,
		"bool==yes":         `"yes" is neither true nor false`,
		"bool>false":        `"bool" is true or false, compare it with == or !=`,
		"letter~(":          "error parsing regexp: missing closing ): `(`",
		"letter==a,int==x":  `"x" is not a whole number from -2^63 to 2^63-1`,
		"letter=~a":         `unknown operator "=~", use "~"`,
		"int=>5":            `unknown operator "=>", use ">="`,
		"error_raw==ENOENT": `"ENOENT" is not a whole number from 0 to 2^64-1`,
	} {
		last := expr[strings.LastIndexByte(expr, ',')+1:]
		want = `filter "` + last + `": ` + want
		if _, err := Filter(src, []string{expr}); err == nil || err.Error() != want {
			t.Errorf("filter %q: got %v, want %s", expr, err, want)
		}
	}
}

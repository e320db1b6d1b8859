package train_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"neocog/train"
)

var records = []train.Record{
	{Epoch: 1, Step: 157, Loss: 0.656, Accuracy: 0.796, TestLoss: 0.1264, TestAccuracy: 0.969, LR: 0.05, Seconds: 1.5, UpdateRatio: 2e-3},
	{Epoch: 2, Step: 314, Loss: 1e-30, Accuracy: 1, TestLoss: math.NaN(), TestAccuracy: math.NaN(), LR: 1e-6, Seconds: 1234567.25, UpdateRatio: math.NaN()},
	{Epoch: 3, Step: 471, Loss: math.Inf(1), Accuracy: 1.0 / 3, TestLoss: math.Inf(-1), TestAccuracy: 0, LR: 1e6, Seconds: 0},
}

func csvOf(list []train.Record) string {
	lines := []string{"epoch,step,loss,accuracy,test_loss,test_accuracy,lr,seconds,update_ratio"}
	for _, r := range list {
		lines = append(lines, r.CSV())
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestRecordsAsText(t *testing.T) {
	if got, want := records[1].CSV(), "2,314,1e-30,1,,,1e-06,1.23456725e+06,"; got != want {
		t.Errorf("CSV %s, want %s", got, want)
	}
	got, err := json.Marshal(records[2])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"epoch":3,"step":471,"loss":"+Inf","accuracy":0.3333333333333333,"test_loss":"-Inf","test_accuracy":0,"lr":1e+06,"seconds":0,"update_ratio":0}`
	if string(got) != want {
		t.Errorf("JSON %s, want %s", got, want)
	}
}

func TestRecordsAreReadBack(t *testing.T) {
	var jsonl bytes.Buffer
	for _, r := range records {
		if err := json.NewEncoder(&jsonl).Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	fromCSV, err := train.ReadCSV(strings.NewReader(csvOf(records)))
	if err != nil {
		t.Fatal(err)
	}
	fromJSONL, err := train.ReadJSONL(&jsonl)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range [][]train.Record{fromCSV, fromJSONL} {
		if fmt.Sprint(got) != fmt.Sprint(records) { // NaN is not equal to itself
			t.Errorf("read\n%v, want\n%v", got, records)
		}
	}
	for _, empty := range []string{"", csvOf(nil)} {
		if list, err := train.ReadCSV(strings.NewReader(empty)); err != nil || len(list) != 0 {
			t.Errorf("%q: %v, %v", empty, list, err)
		}
	}
}

// Runs of former versions have no ratio of updates.
func TestRecordsOfFormerVersions(t *testing.T) {
	fromCSV, err := train.ReadCSV(strings.NewReader("epoch,step,loss,accuracy,test_loss,test_accuracy,lr,seconds\n1,157,0.656,0.796,0.1264,0.969,0.05,1.5\n"))
	if err != nil {
		t.Fatal(err)
	}
	fromJSONL, err := train.ReadJSONL(strings.NewReader(`{"epoch":1,"step":157,"loss":0.656,"accuracy":0.796,"test_loss":0.1264,"test_accuracy":0.969,"lr":0.05,"seconds":1.5}`))
	if err != nil {
		t.Fatal(err)
	}
	want := records[0]
	want.UpdateRatio = math.NaN()
	for _, got := range [][]train.Record{fromCSV, fromJSONL} {
		if len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(want) {
			t.Errorf("read %v, want %v", got, want)
		}
	}
}

func TestMetricsMistakes(t *testing.T) {
	head := csvOf(nil)
	for _, c := range []struct{ name, text, want string }{
		{"another table", "a,b,c,d,e,f,g,h\n", `metrics: the first line is "a,b,c,d,e,f,g,h", want "epoch,`},
		{"a short line", head + "1,2,3\n", "metrics: record on line 2: wrong number of fields"},
		{"no number", head + "1,2,x,,,,,,\n", `metrics: record 1: loss is "x", want a number`},
		{"half an epoch", head + "1,1,,,,,,,\n1.5,2,,,,,,,\n", "metrics: record 2: epoch is 1.5, want a count"},
		{"no step", head + "1,,,,,,,,\n", "metrics: record 1: step is NaN, want a count"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := train.ReadCSV(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	whole, _ := json.Marshal(records[0])
	for _, c := range []struct{ name, text, want string }{
		{"cut", string(whole[:20]), "metrics: record 1: unexpected end of JSON input"},
		{"a field missing", `{"epoch":1}`, `metrics: record 1: there is no "step"`},
		{"a field more", strings.Replace(string(whole), "{", `{"more":1,`, 1), "metrics: record 1: there are 10 fields, want epoch, step"},
		{"an object for a number", strings.Replace(string(whole), "0.656", `{}`, 1), "metrics: record 1: loss is {}, want a number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := train.ReadJSONL(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func FuzzReadMetrics(f *testing.F) {
	f.Add([]byte(csvOf(records)))
	for _, r := range records {
		line, _ := json.Marshal(r)
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, read := range map[string]func() ([]train.Record, error){
			"csv":   func() ([]train.Record, error) { return train.ReadCSV(bytes.NewReader(text)) },
			"jsonl": func() ([]train.Record, error) { return train.ReadJSONL(bytes.NewReader(text)) },
		} {
			list, err := read()
			if err != nil {
				continue
			}
			again, err := train.ReadCSV(strings.NewReader(csvOf(list)))
			if err != nil || fmt.Sprint(again) != fmt.Sprint(list) {
				t.Fatalf("%s: read %v; written and read again: %v, %v", name, list, again, err)
			}
		}
	})
}

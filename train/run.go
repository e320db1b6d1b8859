package train

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/pkg/errors"

	"neocog/data"
	"neocog/models"
)

// The files of a run folder.
const (
	ConfigFile  = "config.yaml"         // the Config
	GraphFile   = "graph.txt"           // the network, of a run whose model came from elsewhere; its head is the Config's
	DataFile    = "data.json"           // what prediction must know of the data: normaliser, classes
	WeightsFile = "weights.safetensors" // parameters and buffers of the model, after the last epoch
	BestFile    = "best.safetensors"    // those of the best epoch, on the test images
	CSVFile     = "metrics.csv"         // a Record for each epoch
	JSONLFile   = "metrics.jsonl"       // the same
)

// Runs is the folder in which runs are kept where nothing else is said.
const Runs = "runs"

// A Run is a folder in which a run is kept. Every file in it is whole at any time:
// it is written beside its place and moved there, or continued by whole lines.
type Run struct {
	Dir   string
	Notes []string // what Resume has noticed

	disk    disk
	held    *os.File  // the lock of the folder
	from    *position // of a run that Resume has opened
	data    string    // dataSum of its images
	damaged []string  // checkpoints that are to be removed
}

// A written is a file of a run folder, and what writes it.
type written struct {
	name  string
	write func(w io.Writer) error
}

// RunName returns the usual name of a run: 20060102-150405-lenet5, local time.
func RunName(model string, at time.Time) string {
	return at.Format("20060102-150405-") + strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == 0 {
			return '-'
		}
		return r
	}, model)
}

// Create makes the folder of a new run in root, which is made too if it is missing.
// Where name is taken it appends -2, -3 and so on: nothing is ever overwritten.
func Create(root, name string) (*Run, error) {
	if name == "" || name != filepath.Base(name) || name == "." || name == ".." {
		return nil, errors.Errorf("%q cannot be the name of a run folder", name)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, errors.WithMessage(err, "the folder for runs cannot be made")
	}
	for i := 1; ; i++ {
		dir := filepath.Join(root, name)
		if i > 1 {
			dir += fmt.Sprintf("-%d", i)
		}
		err := os.Mkdir(dir, 0o755)
		switch {
		case err == nil:
			return &Run{Dir: dir, disk: realDisk{}}, nil
		case !errors.Is(err, fs.ErrExist) || i == 1000:
			return nil, errors.WithMessage(err, "the run folder cannot be made")
		}
	}
}

// dataInfo is data.json.
type dataInfo struct {
	Name       string          `json:"name"`
	Classes    []string        `json:"classes"`
	Normalizer data.Normalizer `json:"normalizer"`
}

// begin writes what is known before training, and a checkpoint of it unless p is nil; the
// configuration comes last, so that a folder which has one has all. If that fails, what was
// written, and the folder if it was empty, are removed.
func (r *Run) begin(t *Trainer, p *position, dataSum string) (err error) {
	config, err := t.cfg.YAML()
	if err != nil {
		return err
	}
	info, err := json.MarshalIndent(dataInfo{t.cfg.Data, t.classes, t.norm}, "", "\t")
	if err != nil {
		return err
	}
	for _, name := range []string{ConfigFile, DataFile, GraphFile, checkpointFile(t.step)} {
		if _, err := os.Lstat(filepath.Join(r.Dir, name)); err == nil {
			return errors.Errorf("run folder %s holds a run already; Create makes a new one", r.Dir)
		}
	}
	files := []written{{DataFile, content(append(info, '\n'))}}
	if t.graph != "" {
		files = append(files, written{GraphFile, content([]byte(t.graph))})
	}
	for _, f := range files {
		if err = replace(r.disk, filepath.Join(r.Dir, f.name), f.write); err != nil {
			break
		}
	}
	if err == nil && p != nil {
		err = r.checkpoint(t, p, dataSum)
	}
	if err == nil {
		err = replace(r.disk, filepath.Join(r.Dir, ConfigFile), content(config))
	}
	if err != nil {
		r.discard(t.step)
	}
	return err
}

// discard removes what begin wrote after so many steps, and the folder if nothing else is in it, unless
// weights or another checkpoint have been saved: a run without them is of no use to anybody.
func (r *Run) discard(begun int) {
	if _, err := os.Lstat(filepath.Join(r.Dir, WeightsFile)); err == nil {
		return
	}
	if steps, err := checkpoints(r.Dir); err != nil || len(steps) > 1 || len(steps) == 1 && steps[0] != begun {
		return
	}
	for _, name := range []string{ConfigFile, checkpointFile(begun), DataFile, GraphFile} {
		os.Remove(filepath.Join(r.Dir, name))
	}
	os.Remove(r.Dir) // which fails, as it should, if it holds anything else
}

// Save writes the weights.
func (r *Run) Save(t *Trainer) error { return r.save(t, WeightsFile) }

// save writes the weights to the file of that name.
func (r *Run) save(t *Trainer, name string) error {
	return replace(r.disk, filepath.Join(r.Dir, name), t.WriteWeights)
}

// Put writes a Trainer into the new run folder as it is, without metrics: its configuration, what prediction must know
// of the data, its weights.
func (r *Run) Put(t *Trainer) error {
	if err := r.begin(t, nil, ""); err != nil {
		return err
	}
	err := r.Save(t)
	if err != nil {
		r.discard(t.step)
	}
	return err
}

// Append adds a record to metrics.csv and metrics.jsonl, each a whole line, and
// flushed to the disk.
func (r *Run) Append(rec Record) error {
	object, err := rec.MarshalJSON()
	if err != nil {
		return err
	}
	if err := appendTo(r.disk, filepath.Join(r.Dir, CSVFile), csvHead(), rec.CSV()+"\n"); err != nil {
		return err
	}
	return appendTo(r.disk, filepath.Join(r.Dir, JSONLFile), "", string(object)+"\n")
}

// modelKey finds the model in config.yaml, whose default a run does not rely on.
var modelKey = regexp.MustCompile(`(?m)^model: *\S`)

// Records reads the metrics of a run folder. Where a line is damaged, the last one
// cut off for instance, it returns the records before it with the error.
func Records(dir string) ([]Record, error) {
	f, err := os.Open(filepath.Join(dir, JSONLFile))
	if err != nil {
		return nil, noFile(dir, JSONLFile, err)
	}
	defer f.Close()
	list, err := ReadJSONL(f)
	return list, errors.WithMessagef(err, "%s", f.Name())
}

// Open reads a run folder: the result evaluates and predicts as the Trainer did
// that was saved in it, to the last bit. A folder that is missing, damaged or no run
// folder is an error which names the file and what is wrong with it; a missing
// file satisfies errors.Is(err, fs.ErrNotExist). Files are not read further than their
// model can be long.
func Open(dir string) (*Trainer, error) {
	cfg, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	m, err := modelOf(dir, cfg)
	if err != nil {
		return nil, err
	}
	return open(dir, m, cfg, WeightsFile)
}

// modelOf returns the model of a run: that of its graph if it has one, or one of the zoo.
func modelOf(dir string, cfg Config) (models.Model, error) {
	text, err := read(dir, GraphFile, maxText)
	if errors.Is(err, fs.ErrNotExist) {
		m, err := Model(cfg)
		return m, errors.WithMessagef(err, "%s", filepath.Join(dir, ConfigFile))
	}
	if err != nil {
		return models.Model{}, err
	}
	m, err := parseModel(cfg.Model, string(text))
	if err == nil {
		m, err = cfg.head(m)
	}
	return m, errors.WithMessagef(err, "%s", filepath.Join(dir, GraphFile))
}

// OpenModel is Open for a model that models.Find does not know. Its name must be
// the one that config.yaml says.
func OpenModel(dir string, m models.Model) (*Trainer, error) {
	cfg, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	return open(dir, m, cfg, WeightsFile)
}

// OpenBest is Open with the weights of the best epoch on the test images.
func OpenBest(dir string) (*Trainer, error) {
	cfg, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	m, err := modelOf(dir, cfg)
	if err != nil {
		return nil, err
	}
	return open(dir, m, cfg, BestFile)
}

// ReadConfig reads the configuration of the run in a folder.
func ReadConfig(dir string) (Config, error) {
	text, err := read(dir, ConfigFile, maxText)
	if err != nil {
		return Config{}, err
	}
	cfg, err := parseConfig(text, false) // a damaged file may hold anything, no text for a terminal
	if err == nil && !modelKey.Match(text) {
		err = errors.New("it names no model")
	}
	return cfg, errors.WithMessagef(err, "%s is damaged", filepath.Join(dir, ConfigFile))
}

// open reads a run whose weights are in the file called weights.
func open(dir string, m models.Model, cfg Config, weights string) (*Trainer, error) {
	t, err := openBare(dir, m, cfg)
	if err != nil {
		return nil, err
	}
	file, err := read(dir, weights, t.fileSize())
	if long := (*tooLong)(nil); errors.As(err, &long) {
		return nil, errors.Errorf("%s is longer than the weights of model %q, %d bytes: it holds those of another model", long.path, m.Name, long.most)
	}
	if err != nil {
		return nil, err
	}
	if err := t.load(file); err != nil {
		return nil, errors.WithMessagef(err, "%s cannot be used", filepath.Join(dir, weights))
	}
	return t, nil
}

// openBare reads a run folder but for its weights.
func openBare(dir string, m models.Model, cfg Config) (*Trainer, error) {
	text, err := read(dir, DataFile, maxText)
	if err != nil {
		return nil, err
	}
	var info dataInfo
	path := filepath.Join(dir, DataFile)
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, errors.WithMessagef(err, "%s is damaged", path)
	}
	if len(info.Classes) != m.Classes {
		return nil, errors.Errorf("%s names %d classes, model %q has %d", path, len(info.Classes), m.Name, m.Classes)
	}
	t, err := New(m, cfg, info.Normalizer)
	if err != nil {
		return nil, errors.WithMessagef(err, "run folder %s", dir)
	}
	probe := make([]byte, m.Input.Size())
	if err := info.Normalizer.Apply(make([]float32, len(probe)), probe); err != nil {
		return nil, errors.WithMessagef(err, "%s", path)
	}
	t.classes = info.Classes
	if text, err := read(dir, GraphFile, maxText); err == nil {
		t.graph = string(text)
	}
	return t, nil
}

// maxText is the most that config.yaml and data.json are read of, in bytes: a mean
// image of 16 million pixels fits.
const maxText = 256 << 20

// fileSize returns the most that the weights of t can take: their bytes, and 4 KiB
// of header for each and for the metadata.
func (t *Trainer) fileSize() int64 {
	names, types := t.names()
	n := int64(4096)
	for _, name := range names {
		n += 4096 + int64(types[name].Bytes())
	}
	return n
}

// read returns the content of a file of a run folder.
func read(dir, name string, most int64) ([]byte, error) {
	path := filepath.Join(dir, name)
	f, err := os.Open(path)
	if err != nil {
		return nil, noFile(dir, name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, errors.WithMessagef(err, "%s", path)
	}
	if int64(len(b)) > most {
		return nil, &tooLong{path, most}
	}
	return b, nil
}

// tooLong is the error of a file longer than it can be.
type tooLong struct {
	path string
	most int64
}

func (e *tooLong) Error() string {
	return fmt.Sprintf("%s is longer than %d bytes, which is the most that it can need", e.path, e.most)
}

// noFile says why a file of a run folder could not be opened.
func noFile(dir, name string, err error) error {
	info, gone := os.Stat(dir)
	switch {
	case dir == "":
		return errors.New("the name of the run folder is empty")
	case gone != nil && errors.Is(gone, fs.ErrNotExist):
		return errors.Errorf("run folder %s is missing", dir)
	case gone == nil && !info.IsDir():
		return errors.Errorf("%s is a file, want a run folder", dir)
	case !errors.Is(err, fs.ErrNotExist):
		return errors.WithMessagef(err, "run folder %s", dir)
	}
	why := fmt.Sprintf("it is no run folder: one holds %s, %s and %s", ConfigFile, DataFile, WeightsFile)
	switch name {
	case WeightsFile:
		why = "it is written after an epoch"
	case BestFile:
		why = "it is written after an epoch, if there are test images"
	case JSONLFile:
		if _, err := os.Stat(filepath.Join(dir, ConfigFile)); err == nil {
			why = "it is written after an epoch"
		}
	}
	return &missing{fmt.Sprintf("%s has no %s; %s", dir, name, why), err}
}

// missing is a missing file with a reason.
type missing struct {
	text string
	err  error
}

func (m *missing) Error() string { return m.text }

func (m *missing) Unwrap() error { return m.err }

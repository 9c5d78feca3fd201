//! Tests the live pages in Chromium: `drive CHROMIUM BOOK SCREENSHOTS`.
//!
//! The first check of a page uses only the keyboard. The tab key reaches the command line and the slider, commands are
//! typed, and the arrow keys move the slider. A step must look the same each time that it is shown. The other checks
//! use the page's controls from JavaScript.

use anyhow::{Context, Result, ensure};
use headless_chrome::protocol::cdp::Emulation::{
    MediaFeature, SetDeviceMetricsOverride, SetEmulatedMedia, SetScriptExecutionDisabled,
};
use headless_chrome::protocol::cdp::Page::CaptureScreenshotFormatOption;
use headless_chrome::protocol::cdp::types::Event;
use headless_chrome::{Browser, LaunchOptions, Tab};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The name of a page, the commands to type into it, and a command that is not valid.
struct Page {
    name: &'static str,
    commands: &'static [&'static str],
    wrong: &'static str,
}

const PAGES: [Page; 4] = [
    Page {
        name: "sds",
        commands: &["append more", "grow 300", "grow 70000", "truncate 5", "shrink", "set \"a b\""],
        wrong: "grow much",
    },
    Page {
        name: "table",
        commands: &["fill 4", "same 12", "scan", "scan", "add 1 2 3", "scan", "drain 4", "remove 1"],
        wrong: "add -1",
    },
    Page {
        name: "listpack",
        commands: &["push 70000", "push-front x", "insert 1 ab", "set 0 y", "remove -1", "find ab"],
        wrong: "insert x y",
    },
    Page {
        name: "entry",
        commands: &[
            "set n 300",
            "incrby n 1",
            "pexpire n 50",
            "show n",
            "wait 50",
            "show n",
            "set \"\" \"\"",
        ],
        wrong: "set k",
    },
];

/// The most milliseconds from the beginning of the navigation until a page can be used.
const READY_MAX_MS: u64 = 1_000;

/// The number of keys in a large table. Each key is a step.
const MANY: u64 = 100_000;

/// The most milliseconds that a move of the slider may take with a large table.
const SCRUB_MAX_MS: u64 = 500;

/// The most steps forwards with the arrow key. The end key goes to the last step.
const FORWARDS_MAX: usize = 10;

/// The widths of the screenshots in pixels: a desktop and a small phone.
const WIDTHS: [u32; 2] = [1_280, 360];

/// The most presses of the tab key from the top of a page to a control.
const TABS_MAX: usize = 200;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(browser), Some(book), Some(screenshots), None) =
        (args.next(), args.next(), args.next(), args.next())
    else {
        anyhow::bail!("usage: drive CHROMIUM BOOK SCREENSHOTS");
    };
    fs::create_dir_all(&screenshots)?;
    for entry in fs::read_dir(book.join("live"))? {
        let path = entry?.path();
        let is_tried = PAGES.iter().any(|page| path.file_stem().is_some_and(|name| name == page.name));
        let is_page = path.extension().is_some_and(|extension| extension == "html");
        ensure!(is_tried || !is_page, "`PAGES` has no commands for the page {}", path.display());
    }
    let options = LaunchOptions::default_builder()
        .path(Some(which(&browser)))
        .sandbox(false) // root cannot use it, and the pages are trusted
        .window_size(Some((WIDTHS[0], 900)))
        .idle_browser_timeout(Duration::from_secs(600)) // a page that sends no events counts as idle
        .build()?;
    let browser = Browser::new(options)?;
    for page in &PAGES {
        let url = format!("file://{}", book.join("live").join(page.name).with_extension("html").display());
        let tried = Tried::open(&browser, &url).and_then(|tried| tried.check(page, &screenshots));
        let line = tried.with_context(|| format!("the page {}", page.name))?;
        println!("{}: {line}", page.name);
    }
    println!("screenshots are in {}", screenshots.display());
    Ok(())
}

/// Returns the path of a program. `program` may be a path, or a name that is looked up in `PATH`.
fn which(program: &Path) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file());
    found.unwrap_or_else(|| program.to_owned())
}

/// What a page shows.
#[derive(PartialEq, Eq)]
struct Shown {
    step: u64,
    steps: u64,
    answer: String,
    drawing: String,
}

/// An open page.
struct Tried {
    tab: Arc<Tab>,
    url: String,
    /// The errors that the page has written to the console.
    errors: Arc<Mutex<Vec<String>>>,
}

impl Tried {
    fn open(browser: &Browser, url: &str) -> Result<Self> {
        let tab = browser.new_tab()?;
        tab.set_default_timeout(Duration::from_secs(20));
        tab.bring_to_front()?; // Chromium draws a background tab only once a second
        let errors = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&errors);
        tab.enable_log()?.enable_runtime()?;
        tab.add_event_listener(Arc::new(move |event: &Event| {
            let text = match event {
                Event::LogEntryAdded(event) => format!("{:?}", event.params.entry),
                Event::RuntimeExceptionThrown(event) => format!("{:?}", event.params.exception_details),
                Event::RuntimeConsoleAPICalled(event) => format!("{:?}", event.params.args),
                _ => return,
            };
            seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(text);
        }))?;
        let tried = Self { tab, url: url.into(), errors };
        tried.load()?;
        Ok(tried)
    }

    fn load(&self) -> Result<()> {
        // The page may be loaded before the library begins to wait for the load. So this waits for an element.
        self.tab.navigate_to(&self.url)?;
        self.tab.wait_for_element("redcore-live[data-ready]").context("the live part is not ready")?;
        Ok(())
    }

    /// Loads the page until it is ready in time, but at most three times. Other programs may slow down a load. Returns
    /// the time of the last load in milliseconds.
    fn ready(&self) -> Result<u64> {
        let mut ready = u64::MAX;
        for _ in 0..3 {
            if ready > READY_MAX_MS {
                self.load()?;
                ready = self.number("document.querySelector('redcore-live').dataset.ready")?;
            }
        }
        Ok(ready)
    }

    /// Evaluates a JavaScript expression, and returns its value as a string.
    fn value(&self, expression: &str) -> Result<String> {
        let value = self.tab.evaluate(&format!("(async () => String({expression}))()"), true)?.value;
        let text = value.as_ref().and_then(|value| value.as_str());
        Ok(text.with_context(|| format!("no value: {expression}"))?.to_owned())
    }

    fn number(&self, expression: &str) -> Result<u64> {
        let value = self.value(expression)?;
        value.parse().with_context(|| format!("{expression}: {value}"))
    }

    /// Presses the tab key until the focus is on an element that matches the selector.
    fn tab_to(&self, selector: &str) -> Result<()> {
        for _ in 0..TABS_MAX {
            if self.value(&format!("document.activeElement.matches('{selector}')"))? == "true" {
                return Ok(());
            }
            self.tab.press_key("Tab")?;
        }
        anyhow::bail!("the tab key does not reach {selector}")
    }

    fn type_line(&self, line: &str) -> Result<()> {
        self.tab.send_character(line)?.press_key("Enter")?;
        Ok(())
    }

    /// Waits until the page has drawn the result of the last input, and returns what it shows.
    fn shown(&self) -> Result<Shown> {
        let shown = self.value(
            "(await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))), \
             ['.live-steps input', '.live-answer', '.live-drawing'] \
             .map(name => document.querySelector(name)) \
             .map(part => part.localName === 'input' ? `${part.value} ${part.max}` : part.innerHTML).join('\\n\\n'))",
        )?;
        let mut parts = shown.splitn(3, "\n\n").map(str::to_owned);
        let mut part = || parts.next().context("a part is missing");
        let (steps, answer, drawing) = (part()?, part()?, part()?);
        let (step, steps) = steps.split_once(' ').context("no steps")?;
        Ok(Shown { step: step.parse()?, steps: steps.parse()?, answer, drawing })
    }

    /// Runs all checks of a page, and returns a line for the report.
    fn check(&self, page: &Page, screenshots: &Path) -> Result<String> {
        // On a narrow screen, the tab key passes only a few links before the live part.
        self.resize(WIDTHS[1], 900)?;
        let ready = self.ready()?;
        ensure!(ready <= READY_MAX_MS, "ready after {ready} ms, more than {READY_MAX_MS}");
        let steps = self.by_keyboard(page)?;
        self.a_wrong_command_changes_nothing(page)?;
        self.a_new_command_replaces_later_steps(page)?;
        let mut line = format!("ready after {ready} ms, {steps} steps forwards and back");
        if page.name == "table" {
            line += &format!(", {MANY} keys: a step of the slider takes at most {} ms", self.many()?);
        }
        self.nothing_moves_by_itself()?;
        self.pictures(page, screenshots)?;
        let errors = self.errors.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        ensure!(errors.is_empty(), "the console has {errors:#?}");
        self.without_scripts()?;
        Ok(line)
    }

    /// Types the commands, goes back with the arrow keys to the beginning, and forwards again. Returns the number of
    /// steps. Every step has to look as it did before.
    fn by_keyboard(&self, page: &Page) -> Result<u64> {
        self.tab_to("redcore-live input[name=command]")?;
        let mut last = self.shown()?;
        for command in page.commands {
            self.type_line(command)?;
            let before = std::mem::replace(&mut last, self.shown()?);
            ensure!(last.steps > before.steps && last.step == last.steps, "`{command}`: {}", last.answer);
        }
        self.tab_to(".live-steps input")?;
        let mut states = vec![last];
        while let Some(Shown { step: 1.., .. }) = states.last() {
            self.tab.press_key("ArrowLeft")?;
            let shown = self.shown()?;
            let expected = states[states.len() - 1].step - 1;
            ensure!(shown.step == expected, "the arrow key went to step {}, not {expected}", shown.step);
            states.push(shown);
        }
        states.reverse();
        let different = states.windows(2).filter(|pair| pair[0].drawing != pair[1].drawing).count();
        ensure!(different * 2 > states.len(), "only {different} of {} drawings change", states.len());
        let last = states.len() - 1;
        let forwards = (1..=last.min(FORWARDS_MAX)).map(|step| ("ArrowRight", step)).chain([("End", last)]);
        for (key, step) in forwards {
            self.tab.press_key(key)?;
            ensure!(self.shown()? == states[step], "step {step} looks different after going back");
        }
        Ok(states[last].steps)
    }

    fn a_wrong_command_changes_nothing(&self, page: &Page) -> Result<()> {
        let before = self.shown()?;
        self.value("document.querySelector('redcore-live input[name=command]').focus()")?;
        self.type_line(page.wrong)?;
        let Shown { steps, answer, drawing, .. } = self.shown()?;
        ensure!(steps == before.steps && drawing == before.drawing, "`{}`: {answer}", page.wrong);
        let error = self.value("document.querySelector('.live-answer.wrong').textContent")?;
        ensure!(!error.is_empty(), "`{}` shows no error", page.wrong);
        self.value("document.querySelector('redcore-live input[name=command]').value = ''")?;
        Ok(())
    }

    fn a_new_command_replaces_later_steps(&self, page: &Page) -> Result<()> {
        self.value("document.querySelector('[aria-label=\"First step\"]').click()")?;
        ensure!(self.shown()?.step == 0, "the first step is not reached");
        self.type_line(page.commands[0])?;
        let Shown { step, steps, .. } = self.shown()?;
        ensure!(step == steps && (1..30).contains(&steps), "step {step} of {steps}");
        Ok(())
    }

    /// Fills a large table, and moves the slider to many places. Returns the longest time of one move in milliseconds,
    /// from the event to the next frame.
    fn many(&self) -> Result<u64> {
        self.type_line(&format!("fill {MANY}"))?;
        let last = self.shown()?;
        ensure!(last.steps >= MANY, "{} steps", last.steps);
        let mut longest = 0;
        for place in (0..20).map(|n| (n * 7 + 3) % 20).map(|n| last.steps * n / 20).chain([last.steps]) {
            let ms = self.number(&format!(
                "await new Promise(done => {{ \
                     const slider = document.querySelector('.live-steps input'), start = performance.now(); \
                     slider.value = {place}; \
                     slider.dispatchEvent(new Event('input')); \
                     requestAnimationFrame(() => setTimeout(() => done(Math.ceil(performance.now() - start)))); \
                 }})"
            ))?;
            longest = longest.max(ms);
            ensure!(self.shown()?.step == place, "the slider is not at {place}");
        }
        ensure!(self.shown()? == last, "the last step looks different after going back");
        ensure!(longest <= SCRUB_MAX_MS, "a step of the slider took {longest} ms");
        Ok(longest)
    }

    /// Checks that the page has no animation if the reader has asked for reduced motion.
    fn nothing_moves_by_itself(&self) -> Result<()> {
        let feature = MediaFeature { name: "prefers-reduced-motion".into(), value: "reduce".into() };
        self.tab.call_method(SetEmulatedMedia { media: None, features: Some(vec![feature]) })?;
        self.value("document.querySelector('[aria-label=\"Step back\"]').click()")?;
        let animations = "document.querySelector('redcore-live').getAnimations({ subtree: true }).length";
        ensure!(self.number(animations)? == 0, "the page has animations");
        Ok(())
    }

    /// Saves screenshots in two themes and two widths. Checks that nothing is wider than the screen.
    fn pictures(&self, page: &Page, screenshots: &Path) -> Result<()> {
        for theme in ["light", "navy"] {
            self.value(&format!("localStorage.setItem('mdbook-theme', '{theme}')"))?;
            for width in WIDTHS {
                self.resize(width, 900)?;
                self.load()?;
                let height = self.number("document.documentElement.scrollHeight")?;
                self.resize(width, u32::try_from(height)?)?;
                self.shown()?;
                let wide = self.number("document.documentElement.scrollWidth")?;
                ensure!(wide <= width.into(), "the page is {wide} pixels wide on a screen of {width}");
                let over = "[...document.querySelectorAll('redcore-live *')].filter(part => part.getBoundingClientRect().right > innerWidth + 1).length";
                ensure!(self.number(over)? == 0, "a part lies outside of a screen of {width} pixels");
                let png =
                    self.tab.capture_screenshot(CaptureScreenshotFormatOption::Png, None, None, true)?;
                fs::write(screenshots.join(format!("{}-{theme}-{width}.png", page.name)), png)?;
            }
        }
        Ok(())
    }

    fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.tab.call_method(SetDeviceMetricsOverride {
            width,
            height,
            device_scale_factor: 1.0,
            mobile: false,
            scale: None,
            screen_width: None,
            screen_height: None,
            position_x: None,
            position_y: None,
            dont_set_visible_size: None,
            screen_orientation: None,
            viewport: None,
            display_feature: None,
            device_posture: None,
        })?;
        Ok(())
    }

    /// Checks that the page shows a drawing if scripts are disabled.
    fn without_scripts(&self) -> Result<()> {
        self.tab.call_method(SetScriptExecutionDisabled { value: true })?;
        self.tab.navigate_to(&self.url)?;
        self.tab.wait_for_element("redcore-live > .drawing svg").context("no drawing without scripts")?;
        Ok(())
    }
}

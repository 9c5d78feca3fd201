//! [`module!`](crate::module!): the WebAssembly module of a page.

/// Exports a class `Live` to JavaScript, which records operations on one structure. `docs/src/live/live.js` uses it.
#[macro_export]
macro_rules! module {
    ($structure:ty) => {
        use wasm_bindgen::prelude::wasm_bindgen;

        /// A recording of operations.
        #[wasm_bindgen]
        #[derive(Default)]
        pub struct Live($crate::Recording<$structure>);

        #[wasm_bindgen]
        impl Live {
            /// Returns a recording without operations.
            #[wasm_bindgen(constructor)]
            pub fn new() -> Self {
                Self::default()
            }

            /// Returns the commands, one a line.
            pub fn commands() -> String {
                <$structure as $crate::Structure>::COMMANDS.into()
            }

            /// Runs a command. Throws a text if it is not valid.
            pub fn run(&mut self, line: &str) -> Result<(), String> {
                self.0.run(line)
            }

            /// Shows the state after the first `step` operations.
            pub fn seek(&mut self, step: usize) {
                self.0.seek(step);
            }

            /// Returns the number of operations that have been run.
            pub fn step(&self) -> usize {
                self.0.step()
            }

            /// Returns the number of recorded operations.
            pub fn steps(&self) -> usize {
                self.0.steps()
            }

            /// Returns an operation and its answer.
            pub fn event(&self, step: usize) -> String {
                self.0.event(step)
            }

            /// Draws the state as SVG.
            pub fn draw(&self) -> String {
                self.0.draw()
            }
        }
    };
}

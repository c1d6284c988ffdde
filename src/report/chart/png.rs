//! SVG to PNG with the bundled fonts alone, so that a picture looks the same on every machine and Thai is
//! shaped as it should be.

use std::sync::{Arc, OnceLock};

use resvg::{tiny_skia, usvg};

use super::Error;

/// Pixels of the PNG per pixel of the SVG.
pub const SCALE: f32 = 2.0;

const FACES: [&[u8]; 4] = [
    include_bytes!("../../../assets/fonts/NotoSans-Regular.ttf"),
    include_bytes!("../../../assets/fonts/NotoSans-Bold.ttf"),
    include_bytes!("../../../assets/fonts/NotoSansThai-Regular.ttf"),
    include_bytes!("../../../assets/fonts/NotoSansThai-Bold.ttf"),
];

fn fonts() -> Arc<usvg::fontdb::Database> {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    Arc::clone(FONTS.get_or_init(|| {
        let mut fonts = usvg::fontdb::Database::new();
        for face in FACES {
            fonts.load_font_data(face.to_vec());
        }
        Arc::new(fonts)
    }))
}

/// The bundled face that was not tried yet and is as bold as the one that lacks the character: the default
/// takes the first, and bold Thai would turn thin.
fn same_weight(
    tried: &[usvg::fontdb::ID],
    fonts: &usvg::fontdb::Database,
) -> Option<usvg::fontdb::ID> {
    let weight = fonts.face(*tried.first()?)?.weight;
    fonts
        .faces()
        .find(|face| face.weight == weight && !tried.contains(&face.id))
        .map(|face| face.id)
}

/// The picture as PNG, [`SCALE`] times as large.
pub(super) fn render(name: &str, svg: &str) -> Result<Vec<u8>, Error> {
    let failed = |reason: String| Error::Draw {
        name: name.to_owned(),
        reason,
    };
    let options = usvg::Options {
        fontdb: fonts(),
        font_family: "Noto Sans".to_owned(),
        font_resolver: usvg::FontResolver {
            select_font: usvg::FontResolver::default_font_selector(),
            select_fallback: Box::new(|_, tried, fonts| same_weight(tried, fonts)),
        },
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| failed(error.to_string()))?;
    let size = tree
        .size()
        .to_int_size()
        .scale_by(SCALE)
        .ok_or_else(|| failed("it has no size".to_owned()))?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height())
        .ok_or_else(|| failed("it has no size".to_owned()))?;
    let scale = tiny_skia::Transform::from_scale(SCALE, SCALE);
    resvg::render(&tree, scale, &mut pixels.as_mut());
    pixels
        .encode_png()
        .map_err(|error| failed(error.to_string()))
}

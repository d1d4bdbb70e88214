//! The standard normal distribution: density, distribution, quantile and unit loss.
//!
//! Sources: the distribution is W. J. Cody's rational Chebyshev approximation (*Rational Chebyshev
//! approximations for the error function*, Mathematics of Computation 23, 1969; in the form for the normal
//! distribution of *Algorithm 715: SPECFUN*, ACM TOMS 19, 1993). The quantile is PPND16 of M. J. Wichura,
//! *Algorithm AS 241: The percentage points of the normal distribution*, Applied Statistics 37, 1988. The
//! unit normal loss is as in Snyder & Shen, *Fundamentals of Supply Chain Theory*.

/// 1 / sqrt(2 pi).
const INVERSE_ROOT_TWO_PI: f64 = 0.398_942_280_401_432_7;

/// The 90 % quantile: p10 and p90 lie this many standard deviations around the mean.
pub const Z_90: f64 = 1.281_551_565_544_600_4;

/// Within these bounds `z_for_service_level` follows its argument: a level of exactly 1 would ask for
/// infinite stock.
const SERVICE_LEVEL_MIN: f64 = 0.0001;
const SERVICE_LEVEL_MAX: f64 = 0.9999;

/// Steps to the z of a loss at most; some ten are needed.
const LOSS_STEPS_MAX: usize = 64;
/// A step that changes nothing that is told.
const LOSS_STEP_MIN: f64 = 1e-14;

/// Up to here the distribution is an odd function around 1/2, beyond it a tail; the two agree at the border.
const CENTRE_MAX: f64 = 0.674_489_75;
/// sqrt(32): from here the tail follows its asymptotic expansion.
const NEAR_TAIL_MAX: f64 = 5.656_854_249_492_381;
/// From here every tail is below the smallest positive `f64`.
const TAIL_MAX: f64 = 39.0;

// Numerators and denominators, highest power first; every denominator starts with its leading 1 where the
// source has one.
const CENTRE_NUMERATOR: [f64; 5] = [
    0.065_682_337_918_207_45,
    2.235_252_035_460_683_7,
    161.028_231_068_555_87,
    1_067.689_485_460_370_9,
    18_154.981_253_343_56,
];
const CENTRE_DENOMINATOR: [f64; 5] =
    [1.0, 47.202_581_904_688_245, 976.098_551_737_776_7, 10_260.932_208_618_979, 45_507.789_335_026_73];
const NEAR_TAIL_NUMERATOR: [f64; 9] = [
    1.076_557_677_372_019_2e-8,
    0.398_941_512_088_134_66,
    8.883_149_794_388_377,
    93.506_656_132_177_85,
    597.270_276_394_800_2,
    2_494.537_585_290_372_6,
    6_848.190_450_536_283,
    11_602.651_437_647_35,
    9_842.714_838_383_978,
];
const NEAR_TAIL_DENOMINATOR: [f64; 9] = [
    1.0,
    22.266_688_044_328_117,
    235.387_901_782_625,
    1_519.377_599_407_554_7,
    6_485.558_298_266_761,
    18_615.571_640_885_097,
    34_900.952_721_145_98,
    38_912.003_286_093_27,
    19_685.429_676_859_992,
];
const FAR_TAIL_NUMERATOR: [f64; 6] = [
    0.023_073_441_764_940_174,
    0.215_898_534_057_957,
    0.127_401_161_160_247_36,
    0.022_235_277_870_649_807,
    0.001_421_619_193_227_893_4,
    2.911_287_495_116_879_3e-5,
];
const FAR_TAIL_DENOMINATOR: [f64; 6] = [
    1.0,
    1.284_260_096_144_911,
    0.468_238_212_480_865_1,
    0.065_988_137_868_928_56,
    0.003_782_396_332_027_582_4,
    7.297_515_550_839_662e-5,
];

const QUANTILE_CENTRE_NUMERATOR: [f64; 8] = [
    2_509.080_928_730_122_7,
    33_430.575_583_588_13,
    67_265.770_927_008_7,
    45_921.953_931_549_87,
    13_731.693_765_509_46,
    1_971.590_950_306_551_3,
    133.141_667_891_784_38,
    3.387_132_872_796_366_5,
];
const QUANTILE_CENTRE_DENOMINATOR: [f64; 8] = [
    5_226.495_278_852_854,
    28_729.085_735_721_943,
    39_307.895_800_092_71,
    21_213.794_301_586_597,
    5_394.196_021_424_751,
    687.187_007_492_057_9,
    42.313_330_701_600_91,
    1.0,
];
const QUANTILE_NEAR_TAIL_NUMERATOR: [f64; 8] = [
    0.000_774_545_014_278_341_4,
    0.022_723_844_989_269_184,
    0.241_780_725_177_450_6,
    1.270_458_252_452_368_4,
    3.647_848_324_763_204_5,
    5.769_497_221_460_691,
    4.630_337_846_156_546,
    1.423_437_110_749_683_5,
];
const QUANTILE_NEAR_TAIL_DENOMINATOR: [f64; 8] = [
    1.050_750_071_644_416_9e-9,
    0.000_547_593_808_499_534_5,
    0.015_198_666_563_616_457,
    0.148_103_976_427_480_08,
    0.689_767_334_985_1,
    1.676_384_830_183_803_8,
    2.053_191_626_637_759,
    1.0,
];
const QUANTILE_FAR_TAIL_NUMERATOR: [f64; 8] = [
    2.010_334_399_292_288_1e-7,
    2.711_555_568_743_487_6e-5,
    0.001_242_660_947_388_078_4,
    0.026_532_189_526_576_124,
    0.296_560_571_828_504_87,
    1.784_826_539_917_291_3,
    5.463_784_911_164_114,
    6.657_904_643_501_103,
];
const QUANTILE_FAR_TAIL_DENOMINATOR: [f64; 8] = [
    2.044_263_103_389_939_7e-15,
    1.421_511_758_316_446e-7,
    1.846_318_317_510_054_8e-5,
    0.000_786_869_131_145_613_3,
    0.014_875_361_290_850_615,
    0.136_929_880_922_735_8,
    0.599_832_206_555_888,
    1.0,
];

/// Horner's rule over coefficients, highest power first.
#[inline]
fn polynomial<const N: usize>(coefficients: &[f64; N], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// phi(x): the density of the standard normal distribution.
#[inline]
pub fn density(x: f64) -> f64 {
    INVERSE_ROOT_TWO_PI * exponential_part(x)
}

/// Phi(x) = P(X <= x) for a standard normal X, with a relative error below 1e-12 in both tails.
#[inline]
pub fn distribution(x: f64) -> f64 {
    if x.abs() <= CENTRE_MAX {
        0.5 + centre(x)
    } else if x < 0.0 {
        exponential_part(x) * scaled_upper_tail(-x)
    } else {
        1.0 - exponential_part(x) * scaled_upper_tail(x)
    }
}

/// 1 - Phi(x), without the cancellation of that subtraction.
#[inline]
pub fn upper_tail(x: f64) -> f64 {
    distribution(-x)
}

/// G(x) = phi(x) - x (1 - Phi(x)): the expected part of a standard normal variable above `x`.
#[inline]
pub fn unit_normal_loss(x: f64) -> f64 {
    if x < 0.0 {
        return unit_normal_loss(-x) - x;
    }
    if x >= TAIL_MAX {
        return 0.0;
    }
    if x <= CENTRE_MAX {
        return density(x) - x * (0.5 - centre(x));
    }
    exponential_part(x) * (INVERSE_ROOT_TWO_PI - x * scaled_upper_tail(x)).max(0.0)
}

/// The x with Phi(x) = `probability`, to about 1e-15 relative; infinite at 0 and 1, NaN outside them.
pub fn quantile(probability: f64) -> f64 {
    let from_median = probability - 0.5;
    if from_median.abs() <= 0.425 {
        let r = 0.180_625 - from_median * from_median;
        return from_median * polynomial(&QUANTILE_CENTRE_NUMERATOR, r)
            / polynomial(&QUANTILE_CENTRE_DENOMINATOR, r);
    }
    let tail = if from_median < 0.0 { probability } else { 1.0 - probability };
    if tail == 0.0 {
        return f64::INFINITY.copysign(from_median);
    }
    let r = (-tail.ln()).sqrt();
    let magnitude = if r <= 5.0 {
        let r = r - 1.6;
        polynomial(&QUANTILE_NEAR_TAIL_NUMERATOR, r) / polynomial(&QUANTILE_NEAR_TAIL_DENOMINATOR, r)
    } else {
        let r = r - 5.0;
        polynomial(&QUANTILE_FAR_TAIL_NUMERATOR, r) / polynomial(&QUANTILE_FAR_TAIL_DENOMINATOR, r)
    };
    magnitude.copysign(from_median)
}

/// z for a cycle service level (F7: the share of replenishment cycles without a stockout, 0 to 1).
///
/// The level is held between 0.0001 and 0.9999, so the answer is finite. It is the same for every
/// SKU-location of a policy: callers keep it with the policy.
pub fn z_for_service_level(service_level: f64) -> f64 {
    quantile(service_level.clamp(SERVICE_LEVEL_MIN, SERVICE_LEVEL_MAX))
}

/// The z with G(z) = `loss`, between those of the least and the greatest service level; a `loss` that is no number is
/// taken for one that nothing reaches.
pub fn z_for_unit_loss(loss: f64) -> f64 {
    let (least, most) = (quantile(SERVICE_LEVEL_MIN), quantile(SERVICE_LEVEL_MAX));
    if loss >= unit_normal_loss(least) {
        return least;
    }
    if loss.is_nan() || loss <= unit_normal_loss(most) {
        return most;
    }
    // G falls and is convex: from a point at which it is still too great, Newton's steps come nearer and never go past.
    let mut z = least;
    for _ in 0..LOSS_STEPS_MAX {
        let step = (unit_normal_loss(z) - loss) / upper_tail(z);
        z += step;
        if step.abs() <= LOSS_STEP_MIN {
            break;
        }
    }
    z
}

#[inline]
fn exponential_part(x: f64) -> f64 {
    (-0.5 * x * x).exp()
}

/// Phi(x) - 1/2 for |x| <= `CENTRE_MAX`.
#[inline]
fn centre(x: f64) -> f64 {
    let square = x * x;
    x * polynomial(&CENTRE_NUMERATOR, square) / polynomial(&CENTRE_DENOMINATOR, square)
}

/// (1 - Phi(x)) / exp(-x^2 / 2) for x > `CENTRE_MAX`: what remains when the steep part is taken out.
#[inline]
fn scaled_upper_tail(x: f64) -> f64 {
    if x <= NEAR_TAIL_MAX {
        return polynomial(&NEAR_TAIL_NUMERATOR, x) / polynomial(&NEAR_TAIL_DENOMINATOR, x);
    }
    let inverse_square = 1.0 / (x * x);
    let correction = inverse_square * polynomial(&FAR_TAIL_NUMERATOR, inverse_square)
        / polynomial(&FAR_TAIL_DENOMINATOR, inverse_square);
    (INVERSE_ROOT_TWO_PI - correction) / x
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(actual: f64, expected: f64, relative: f64) {
        assert!(
            (actual - expected).abs() <= relative * expected.abs(),
            "{actual:e} is not {expected:e} within {relative:e}"
        );
    }

    /// Computed with 40 digits by another program (mpmath).
    const DISTRIBUTION: [(f64, f64); 18] = [
        (-37.5, 4.605_353_009_581_955e-308),
        (-20.0, 2.753_624_118_606_233_7e-89),
        (-8.5, 9.479_534_822_203_318e-18),
        (-6.0, 9.865_876_450_376_98e-10),
        (-5.6, 1.071_759_025_831_090_7e-8),
        (-3.0, 0.001_349_898_031_630_094_5),
        (-1.5, 0.066_807_201_268_858_07),
        (-0.7, 0.241_963_652_223_073),
        (-0.67, 0.251_428_895_095_310_1),
        (-0.1, 0.460_172_162_722_971),
        (0.0, 0.5),
        (0.3, 0.617_911_422_188_952_6),
        (0.675, 0.750_162_117_528_223),
        (1.0, 0.841_344_746_068_543),
        (2.5, 0.993_790_334_674_224),
        (5.0, 0.999_999_713_348_428_1),
        (5.7, 0.999_999_994_009_628_6),
        (8.0, 0.999_999_999_999_999_4),
    ];

    const QUANTILE: [(f64, f64); 13] = [
        (1e-300, -37.047_096_299_361_2),
        (1e-20, -9.262_340_089_798_408),
        (1e-10, -6.361_340_902_404_056),
        (0.001, -3.090_232_306_167_813_5),
        (0.05, -1.644_853_626_951_472_7),
        (0.074_9, -1.440_238_267_527_963_7),
        (0.075_1, -1.438_825_392_752_54),
        (0.3, -0.524_400_512_708_040_8),
        (0.9, 1.281_551_565_544_600_6),
        (0.95, 1.644_853_626_951_472_3),
        (0.975, 1.959_963_984_540_053_9),
        (0.99, 2.326_347_874_040_840_8),
        (0.999_9, 3.719_016_485_455_708_4),
    ];

    const LOSS: [(f64, f64); 10] = [
        (-3.0, 3.000_382_154_317_047_7),
        (-0.5, 0.697_796_557_401_306),
        (0.0, 0.398_942_280_401_432_7),
        (0.5, 0.197_796_557_401_306_03),
        (1.0, 0.083_315_470_587_686_3),
        (2.0, 0.008_490_702_616_829_638),
        (4.0, 7.145_258_432_405_667e-6),
        (6.0, 1.563_569_795_970_966_4e-10),
        (10.0, 7.474_560_254_589_328e-25),
        (20.0, 1.370_012_494_729_579_9e-90),
    ];

    #[test]
    fn the_distribution_is_exact_in_the_centre_and_in_both_tails() {
        for (x, probability) in DISTRIBUTION {
            check(distribution(x), probability, 1e-12);
            check(upper_tail(-x), probability, 1e-12);
        }
    }

    #[test]
    fn the_quantile_is_exact_in_every_branch() {
        for (probability, x) in QUANTILE {
            check(quantile(probability), x, 1e-14);
        }
        assert_eq!(quantile(0.5), 0.0);
        check(Z_90, quantile(0.9), 1e-15);
    }

    #[test]
    fn the_quantile_ends_at_infinity() {
        assert_eq!(quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(quantile(1.0), f64::INFINITY);
        assert!(quantile(1.5).is_nan() && quantile(-0.5).is_nan() && quantile(f64::NAN).is_nan());
    }

    #[test]
    fn the_loss_is_exact_where_its_terms_cancel() {
        for (x, loss) in LOSS {
            check(unit_normal_loss(x), loss, 1e-11);
        }
    }

    #[test]
    fn the_density_is_the_bell_curve() {
        check(density(0.0), 0.398_942_280_401_432_7, 1e-15);
        check(density(1.0), 0.241_970_724_519_143_37, 1e-15);
        assert_eq!(density(-2.0), density(2.0));
    }

    #[test]
    fn nothing_lies_beyond_infinity() {
        assert_eq!(distribution(f64::INFINITY), 1.0);
        assert_eq!(distribution(f64::NEG_INFINITY), 0.0);
        assert_eq!(unit_normal_loss(f64::INFINITY), 0.0);
        assert_eq!(unit_normal_loss(f64::NEG_INFINITY), f64::INFINITY);
    }

    #[test]
    fn a_certain_service_level_asks_for_finite_stock() {
        check(z_for_service_level(1.0), 3.719_016_485_455_708_4, 1e-12);
        check(z_for_service_level(0.0), -3.719_016_485_455_708_4, 1e-12);
        check(z_for_service_level(0.95), 1.644_853_626_951_472_3, 1e-14);
    }

    proptest! {
        #[test]
        fn the_quantile_inverts_the_distribution(x in -8.0..5.0_f64) {
            let back = quantile(distribution(x));
            // Near 1 the probability itself has only so many digits left.
            let lost = f64::EPSILON / density(x);
            prop_assert!((back - x).abs() <= 1e-12 + lost, "{x} came back as {back}");
        }

        #[test]
        fn the_loss_is_the_integral_of_the_upper_tail(x in -4.0..4.0_f64) {
            let steps = 400;
            let width = 12.0 / f64::from(steps);
            let simpson: f64 = (0..=steps)
                .map(|step| {
                    let weight = if step == 0 || step == steps { 1.0 } else if step % 2 == 1 { 4.0 } else { 2.0 };
                    weight * upper_tail(x + f64::from(step) * width)
                })
                .sum();
            prop_assert!((unit_normal_loss(x) - simpson * width / 3.0).abs() < 1e-8);
        }
    }
}

namespace Lateen.Architecture.Tests;

public sealed class ReferenceTests
{
    [Fact]
    public void Every_project_has_a_place_in_the_house()
    {
        var unknown = HouseRules.Projects.Keys.Except(HouseRules.MayReference.Keys);
        var missing = HouseRules.MayReference.Keys.Except(HouseRules.Projects.Keys);

        Assert.True(!unknown.Any(), $"Give these projects a line in HouseRules.MayReference and in ARCHITECTURE.md: {string.Join(", ", unknown)}");
        Assert.True(!missing.Any(), $"HouseRules names projects that do not exist: {string.Join(", ", missing)}");
    }

    [Fact]
    public void References_go_downward_only()
    {
        var broken = from project in HouseRules.Projects
                     from reference in HouseRules.References(project.Value, "ProjectReference")
                     where !HouseRules.MayReference[project.Key].Contains(reference)
                     select $"{project.Key} -> {reference}";

        Assert.True(!broken.Any(), "References go downward only, and the data plane and the control plane meet in Xds and Identity and nowhere else, so that either "
            + $"can change (or be replaced by another xDS peer) without the other. Not allowed: {string.Join(", ", broken)}");
    }

    [Fact]
    public void A_third_party_package_enters_through_one_project()
    {
        var broken = from project in HouseRules.Projects
                     from package in HouseRules.References(project.Value, "PackageReference")
                     where !HouseRules.PackageOwners.TryGetValue(package, out var owners) || !owners.Contains(project.Key)
                     select $"{project.Key} -> {package}";

        Assert.True(!broken.Any(), "A package has one owner, so that replacing it touches one project; a new one needs an ADR and a line in "
            + $"HouseRules.PackageOwners. Not allowed: {string.Join(", ", broken)}");
    }

    [Fact]
    public void No_project_or_folder_has_a_name_that_says_nothing()
    {
        string[] empty = ["Common", "Utils", "Util", "Helpers", "Helper", "Core", "Shared", "Misc"];
        var broken = Directory.EnumerateDirectories(Path.Combine(HouseRules.Root, "src"), "*", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj", StringComparison.Ordinal) && !path.Contains("/bin", StringComparison.Ordinal))
            .Where(path => !path.Contains("/Protos/", StringComparison.Ordinal)) // Folders there are the package names of Envoy.
            .Where(path => Path.GetFileName(path).Split('.').Any(part => empty.Contains(part, StringComparer.OrdinalIgnoreCase)))
            .Select(HouseRules.Relative);

        Assert.True(!broken.Any(), $"If a thing has no home, it has no name yet: {string.Join(", ", broken)}");
    }
}
